#pragma once

#include "agent/demo/faults.hpp"

#include <string>
#include <utility>
#include <vector>

namespace vnetprobe::demo {

struct SimulatedAnswer {
  unsigned status{};
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// What the service behind `host` says to an anonymous GET of `target` (azure-facts 4.1 - 4.4, 9.2), `Date` left out.
SimulatedAnswer service_answer(const std::string& host, const std::string& target, Fault fault);

// IMDS (azure-facts 3.3) and WireServer (3.6).
SimulatedAnswer imds_answer(const std::string& target, bool has_metadata_header);
SimulatedAnswer wireserver_answer(const std::string& target);

}  // namespace vnetprobe::demo
