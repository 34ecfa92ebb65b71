#include "agent/daemon/changes.hpp"
#include "agent/daemon/http_request.hpp"
#include "agent/daemon/probe_request.hpp"

#include <cstdint>

// What clients send to the daemon, and its own state file after a disk has had its way with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vnetprobe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::vector<UserTarget> targets{{.name = "pypi", .url = "https://pypi.org/simple/"}};
  static const std::vector<std::string> ids{"node.os"};
  const auto read = read_request_head(text);
  if (read.refusal == 0) {
    const auto probe = read_probe_request(read.request, {.targets = targets, .check_ids = ids, .any_target = true});
    for (const auto& argument : probe.arguments)
      if (!argument.starts_with("--deadline=") && !argument.starts_with("--only=") &&
          !argument.starts_with("--target="))
        __builtin_trap();
  }
  ChangeTracker::from_json(text).note({.verdict = "healthy", .codes = {}});
  return 0;
}
