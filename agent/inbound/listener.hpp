#pragma once

#include "agent/inbound/results.hpp"

#include <functional>
#include <string>
#include <vector>

namespace vnetprobe::inbound {

struct ListenWish {
  std::vector<std::uint16_t> ports;
  std::vector<std::string> addresses;  // empty: every address of both families
  std::string token;
  std::chrono::milliseconds limit{};
  bool stay{};  // until the limit, also when every port was reached
  std::function<void(std::uint16_t, const Visitor&)> visited;
  std::function<void(const ListenReport&)> ready;  // every port is bound, or has its problem
};

// Listens at every port until each was reached by somebody with the token, the limit passes, or SIGINT or SIGTERM
// comes. A peer gets ten seconds for its proof; of more than 256 at once the oldest makes room.
ListenReport listen_for_peers(const ListenWish& wish);

}  // namespace vnetprobe::inbound
