#pragma once

#include "agent/plan/plan.hpp"
#include "agent/run/resolution.hpp"

namespace vnetprobe {

// How a stack is climbed: as programs on this node would, or as an experiment.
struct Way {
  std::optional<std::string> because;  // set: a follow-up, and its reason
  bool direct{};                       // past the proxy that the environment names
};

// Climbs one check's stack (resolve, connect, tunnel, TLS, HTTP or WebSocket), stops where a layer fails, and puts
// every layer's observation into `check` as it is made, so that a cancelled climb keeps what it saw.
asio::awaitable<void> climb(const PlannedCheck& planned, const Equipment& equipment, Names& names, Way way,
                            Check& check);

// Asks what next_questions() wants to know about a climbed check, in two rounds at most, and adds the answers.
asio::awaitable<void> follow_up(const PlannedCheck& planned, const Equipment& equipment, Names& names, Check& check);

}  // namespace vnetprobe
