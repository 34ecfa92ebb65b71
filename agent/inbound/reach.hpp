#pragma once

#include "agent/inbound/results.hpp"

#include <string>
#include <variant>
#include <vector>

namespace vnetprobe::inbound {

struct ReachWish {
  std::string host;  // a name or an address
  std::vector<std::uint16_t> ports;
  std::string token;  // empty: none
  // Over 3.1 s, so that a gateway which does not answer is told from silence (diagnosis-codes 3).
  std::chrono::milliseconds limit{5000};
};

// Connects to every port at every address of the host at once, and talks to who answers. SIGINT and SIGTERM end it with
// what is known. A string: the host has no address, in words.
std::variant<ReachReport, std::string> reach_ports(const ReachWish& wish);

}  // namespace vnetprobe::inbound
