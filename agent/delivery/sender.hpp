#pragma once

#include "agent/delivery/sinks.hpp"
#include "agent/delivery/spool.hpp"

namespace vnetprobe::delivery {

// What a round of sending came to.
struct Round {
  int delivered{}, failed{}, refused{};
  std::vector<std::string> problems;  // a line for each attempt that did not deliver
};

struct RoundWish {
  bool at_once{};      // whatever the back-off says
  bool refused_too{};  // parked ones are tried again
  std::chrono::milliseconds limit{std::chrono::seconds(60)};
};

// The sinks of `sinks` that this report is for (`when`), given the last one.
std::vector<std::string> wanted_by(const std::vector<Delivery>& sinks, const Message& message,
                                   const std::optional<LastSeen>& before);

// Sends what is due, oldest first; the sinks work side by side, and one that fails holds up only its own queue. Ends at
// the limit; what is under way then is tried again in the next round. Does nothing while another process sends.
asio::awaitable<Round> send_due(Spool& spool, std::vector<Delivery> sinks, const Uplink& uplink, RoundWish wish);

// A report's whole way for a program that ends after it: noted in the spool, then sent. `sinks` may be empty.
Round deliver(const Report& report, const std::vector<Delivery>& sinks, Spool& spool, const Uplink& uplink,
              RoundWish wish);

}  // namespace vnetprobe::delivery
