#pragma once

#include "agent/cli/command_line.hpp"

#include <CLI/CLI.hpp>

namespace vnetprobe {

// The flags of a command, as the strings that were given; read into values once CLI11 has accepted the line.
struct PresentationFlags {
  std::string format = "text";
  std::vector<std::string> outputs;
  bool verbose{}, quiet{}, no_color{};
};

struct DeliverFlags {
  std::vector<std::string> reports, ca_files, connect_to;
  std::string config, spool, limit = "60s", format = "text";
  bool status{}, retry_refused{};
};

struct BundleFlags {
  std::string path, inspected, report, since = "24h";
  std::vector<std::string> only, skip, patterns;
  bool anonymize{}, estimate{}, upload{};
};

struct DaemonFlags {
  std::string state_directory, interval, listen;
};

struct RunFlags {
  std::string profile, config, config_from, deadline, websocket_idle, imds_endpoint, service_tags, catalog;
  std::vector<std::string> only, skip, targets, ca_files, resolvers, connect_to;
  std::string spool;
  bool no_delivery{};
  int concurrency{};
  PresentationFlags presentation;
};

void add_presentation_flags(CLI::App& app, PresentationFlags& flags);
// What and how to probe: run's flags but for what becomes of the report.
void add_probing_flags(CLI::App& app, RunFlags& flags);
void add_run_flags(CLI::App& app, RunFlags& flags);
std::chrono::milliseconds read_duration(const std::string& flag, const std::string& text);

// Throws CLI::ValidationError naming the flag, what is wrong with its value, and what to write instead.
Presentation read_presentation(const CLI::App& app, const PresentationFlags& flags);
// The run in a bundle takes run's flags but those of its output and its choice of checks.
void add_bundle_flags(CLI::App& app, BundleFlags& flags, RunFlags& run_flags);
BundleCommand read_bundle(const CLI::App& app, const BundleFlags& flags, const RunFlags& run_flags);
void add_deliver_flags(CLI::App& app, DeliverFlags& flags);
DeliverCommand read_deliver(const DeliverFlags& flags);
void add_daemon_flags(CLI::App& app, DaemonFlags& flags, RunFlags& run_flags);
DaemonCommand read_daemon(const CLI::App& app, const DaemonFlags& flags, const RunFlags& run_flags);
RunCommand read_run(const CLI::App& app, const RunFlags& flags);

}  // namespace vnetprobe
