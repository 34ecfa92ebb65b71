#pragma once

#include "probes/within.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace vnetprobe {

struct ChildEnding {
  std::string output;
  std::string messages;  // of stderr, bounded
  int status = -1;       // exit status; -1: it could not be started, was killed, or printed more than the bound
  std::string problem;   // in words, when status is -1
};

// Runs this very program with other arguments: a run that crashes or hangs takes nothing else with it, and its memory
// goes with it. It dies with this process. `config` is handed over on descriptor 3. Past
// the limit, or when cancelled, it gets SIGTERM and a second later SIGKILL.
asio::awaitable<ChildEnding> run_this_program(std::vector<std::string> arguments, std::string config,
                                              std::chrono::milliseconds limit);

// Where a child finds what was handed over.
inline constexpr int config_descriptor = 3;

// Ends every child that is under way, and waits for them for up to a second.
void end_children();

}  // namespace vnetprobe
