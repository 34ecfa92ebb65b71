#include "agent/tags/audit.hpp"
#include "agent/tags/tag_index.hpp"

#include <cstdint>

// Tag files and route tables come from downloads, pipes and other people's machines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vnetprobe::tags;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto read = read_tag_file(bytes, "fuzz.json", true); read.file) {
    const TagIndex index(*read.file);
    for (const auto& tag : read.file->tags)
      for (const auto& prefix : tag.prefixes)
        if (index.look_up({.bits = prefix.base, .v6 = prefix.v6}).empty()) __builtin_trap();
  }
  read_route_table(bytes, "fuzz.json", nullptr);
  return 0;
}
