#pragma once

#include "agent/plan/plan.hpp"
#include "agent/run/resolution.hpp"

namespace vnetprobe {

// How a stack is climbed: as programs on this node would, or as an experiment.
struct Way {
  std::optional<std::string> because;  // set: a follow-up, and its reason
  bool direct{};                       // past the proxy that the environment names
  std::optional<int> mss_limit;        // no segment larger than this, in either direction
  std::optional<Limits> limits;        // absent: the run's
  std::string user_agent;              // sent in place of our own; empty: our own
  std::optional<int> body_bytes;       // a POST with a body of this size in place of the request
  std::string connection_header;       // of a WebSocket's handshake, in place of "Upgrade"
};

// The limit of a layer above `connection`: what the user set, or as many round trips as a far and lossy way needs.
std::chrono::milliseconds long_enough(std::chrono::milliseconds limit, const TcpObservation& connection);

// Climbs one check's stack (resolve, connect, tunnel, TLS, HTTP or WebSocket), stops where a layer fails, and puts
// every layer's observation into `check` as it is made, so that a cancelled climb keeps what it saw.
asio::awaitable<void> climb(const PlannedCheck& planned, const Equipment& equipment, Names& names, Way way,
                            Check& check);

}  // namespace vnetprobe
