#pragma once

#include "agent/cli/command_line.hpp"

#include <CLI/CLI.hpp>

namespace vnetprobe {

// The flags of `listen` and `reach`, as the strings that were given.
struct InboundFlags {
  std::string ports, limit, token_file, host, format = "text";
  std::vector<std::string> addresses;
  bool stay{}, quiet{}, no_color{};
};

CLI::App* add_listen_command(CLI::App& app, InboundFlags& flags);
CLI::App* add_reach_command(CLI::App& app, InboundFlags& flags);

// Throws CLI::ValidationError naming the flag, what is wrong with its value, and what to write instead.
ListenCommand read_listen(const InboundFlags& flags);
ReachCommand read_reach(const InboundFlags& flags);

}  // namespace vnetprobe
