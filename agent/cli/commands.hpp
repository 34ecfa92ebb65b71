#pragma once

#include "agent/cli/command_line.hpp"

namespace vnetprobe {

// Each carries one command out, prints to stdout (problems to stderr), and returns the exit status of product.md
// section 2.
int run(const RunCommand& command);
int list(const ListCommand& command);
int explain(const ExplainCommand& command);
int diagnose_file(const DiagnoseCommand& command);
int run_demo(const DemoCommand& command);
int tags_command(const TagsCommand& command);
int deliver_reports(const DeliverCommand& command);
int show_fleet(const FleetCommand& command);
int listen(const ListenCommand& command);
int reach(const ReachCommand& command);
int run_daemon(const DaemonCommand& command);
int make_bundle(const BundleCommand& command);
int print_document(const DocsCommand& command);

inline constexpr int status_usage = 2;
inline constexpr int status_internal = 3;

// "vnetprobe: ..." lines on stderr; returns status_usage.
int complain(const std::vector<std::string>& errors);

}  // namespace vnetprobe
