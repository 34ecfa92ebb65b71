#pragma once

#include "agent/cli/command_line.hpp"

namespace vnetprobe {

// Runs until SIGTERM or SIGINT. SIGHUP reads the configuration again, SIGUSR1 runs now. Returns the exit status.
int serve_daemon(const DaemonCommand& command);

}  // namespace vnetprobe
