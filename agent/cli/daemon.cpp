#include "agent/daemon/daemon.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/prepare.hpp"

namespace vnetprobe {

int run_daemon(const DaemonCommand& command) {
  // What every run would stumble over is better said before the first one.
  const auto preparation = prepare(command.run);
  if (!preparation.prepared) return complain(preparation.errors);
  return serve_daemon(command);
}

}  // namespace vnetprobe
