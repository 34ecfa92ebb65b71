#pragma once

#include "agent/cli/command_line.hpp"
#include "agent/plan/plan.hpp"

#include <functional>

namespace vnetprobe {

// What was said about this node, from every source but IMDS.
struct Prepared {
  Settings config;
  std::vector<std::string> notes;  // what in the configuration looks odd and is no error
  LocalSettings local;
  HostFacts host;
  Surroundings surroundings;
  Catalogue catalogue;
};

struct Preparation {
  std::optional<Prepared> prepared;
  std::vector<std::string> errors;  // each names the place; the exit status is then 2
};

// Reads the configuration, the catalogue, AML's files and the host. No packet. `as_soon_as_said` gets what the command
// line and the configuration say, before the rest is read.
Preparation prepare(const RunCommand& command, const std::function<void(const Settings& said)>& as_soon_as_said = {});

// The checks of this node that the command line selects. Says on stderr which of its globs fit none of them.
Plan selected_plan(const Prepared& prepared, const Discovery& discovery, const RunCommand& command);

// The path of a configuration that is read without being named.
inline constexpr const char* default_config_path = "/etc/vnetprobe/config.yaml";

}  // namespace vnetprobe
