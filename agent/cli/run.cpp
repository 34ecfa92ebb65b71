#include "agent/cli/commands.hpp"
#include "agent/cli/deliver.hpp"
#include "agent/cli/output.hpp"
#include "agent/cli/probe_node.hpp"
#include "agent/run/interrupts.hpp"
#include "agent/tell.hpp"
#include "reports/diagnosis/diagnose.hpp"
#include "reports/render/unicode.hpp"

#include <fmt/format.h>

#include <optional>

namespace vnetprobe {

int complain(const std::vector<std::string>& errors) {
  // They repeat what was given, from wherever it came: a terminal must not obey it.
  for (const auto& error : errors) tell("vnetprobe: {}\n", visible(error, std::string_view::npos, Lines::kept));
  return status_usage;
}

int run(const RunCommand& command) {
  std::optional<Interrupts> interrupts(std::in_place);
  auto probed = probe_node(command);
  if (const auto* errors = std::get_if<std::vector<std::string>>(&probed)) return complain(*errors);
  auto& [report, interrupted, settings, surroundings, tls] = std::get<NodeRun>(probed);
  const bool delivers = !command.no_delivery;
  if (delivers) report.spool = spool_note(command.spool, settings);
  const auto problem = present(report, command.presentation);
  if (!problem.empty()) tell("vnetprobe: {}\n", problem);
  interrupts.reset();
  if (delivers && interrupted != Interruption::signal)
    deliver_now(report, command.spool, settings,
                {.tls = tls,
                 .proxy = settings.proxy,
                 .environment = surroundings.environment,
                 .connect_to = command.connect_to});
  return problem.empty() ? exit_status(report) : status_internal;
}

}  // namespace vnetprobe
