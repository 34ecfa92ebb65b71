#pragma once

#include "agent/cli/command_line.hpp"
#include "agent/run/runner.hpp"

namespace vnetprobe {

// A run that has ended, with what its report is sent by.
struct NodeRun {
  Report report;
  Interruption interrupted{};
  Settings settings;  // of every source
  Surroundings surroundings;
  TlsContext tls;
};

// Discovers, plans, probes and diagnoses. Else what is wrong with the command line or the configuration: nothing was
// probed then.
std::variant<NodeRun, std::vector<std::string>> probe_node(const RunCommand& command);

}  // namespace vnetprobe
