#include "probes/imds.hpp"

#include <cstdlib>

// The body of the metadata service's answer: every field that it leaves is bounded and printable.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  vnetprobe::ImdsObservation seen;
  vnetprobe::read_instance({reinterpret_cast<const char*>(data), size}, seen);
  for (const auto* list : {&seen.private_addresses, &seen.public_addresses, &seen.subnets, &seen.mac_addresses}) {
    if (list->size() > 32) std::abort();
    for (const auto& value : *list)
      for (const char c : value)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  }
  return 0;
}
