#pragma once

#include "agent/cli/command_line.hpp"
#include "agent/daemon/history.hpp"
#include "agent/daemon/http_server.hpp"
#include "agent/daemon/schedule.hpp"

#include <variant>

namespace vnetprobe {

// The configuration that a daemon works by: the file as it was read, and what it means together with the flags.
struct DaemonConfiguration {
  std::string path, text;  // handed over to every run, so that a file that was broken since changes nothing
  Settings settings;
  Pace pace;
  History::Bounds history;
  std::optional<ServerOptions> server;  // absent: --listen none
  bool any_target{};
  std::vector<std::string> remarks;
};

// Reads the file and what it names (token, certificate). Else every error, each with its place.
std::variant<DaemonConfiguration, std::vector<std::string>> load_daemon_configuration(const DaemonCommand& command);

}  // namespace vnetprobe
