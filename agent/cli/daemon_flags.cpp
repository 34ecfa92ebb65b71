#include "agent/cli/flags.hpp"
#include "agent/config/names.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

Endpoint read_listen(const std::string& text) {
  const auto place = parse_host_port(text);
  if (!place || !is_address(place->host))
    throw CLI::ValidationError(
        "--listen", fmt::format("'{}' is not an address with a port; write for example 127.0.0.1:9798, or none", text));
  return {.address = place->host, .port = place->port};
}

// The daemon's own flags; every other one is handed on to its runs.
bool is_own(const std::string& name) {
  for (const char* own : {"--help", "--config", "--spool", "--state", "--interval", "--listen"})
    if (name == own) return true;
  return false;
}

}  // namespace

void add_daemon_flags(CLI::App& app, DaemonFlags& flags, RunFlags& run_flags) {
  app.add_option("--interval", flags.interval, "Time between two runs (default: daemon.every, or 15m)")
      ->type_name("15m");
  app.add_option("--listen", flags.listen,
                 "Where pages and metrics are served (default: daemon.metrics, or 127.0.0.1:9798); none: nowhere")
      ->type_name("IP:PORT");
  app.add_option("--state", flags.state_directory,
                 "Where history and spool are (default: $STATE_DIRECTORY, or /var/lib/vnetprobe for root)")
      ->type_name("DIR");
  app.add_option("--spool", run_flags.spool, "As for run (default: spool below --state)")->type_name("DIR");
  add_probing_flags(app, run_flags);
}

DaemonCommand read_daemon(const CLI::App& app, const DaemonFlags& flags, const RunFlags& run_flags) {
  DaemonCommand command{.run = read_run(app, run_flags), .state_directory = flags.state_directory};
  if (!flags.interval.empty()) command.interval = read_duration("--interval", flags.interval);
  command.no_http = flags.listen == "none";
  if (!flags.listen.empty() && !command.no_http) command.listen = read_listen(flags.listen);
  for (const auto* option : app.get_options()) {
    const auto name = option->get_name();
    if (option->count() == 0 || is_own(name)) continue;
    for (const auto& value : option->results()) command.run_arguments.push_back(name + "=" + value);
  }
  return command;
}

}  // namespace vnetprobe
