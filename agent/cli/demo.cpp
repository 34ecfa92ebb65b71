#include "agent/cli/commands.hpp"
#include "agent/config/names.hpp"
#include "agent/demo/simulated_vnet.hpp"
#include "agent/run/interrupts.hpp"
#include "agent/tell.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

int list_faults() {
  for (const auto& entry : demo::all_faults())
    fmt::print("{:26} {}{}\n", entry.name, entry.what,
               entry.expected_code.empty() ? "" : fmt::format(" -> {}", entry.expected_code));
  return 0;
}

}  // namespace

int run_demo(const DemoCommand& command) {
  if (command.list) return list_faults();
  const auto* entry = demo::find_fault(command.fault);
  if (!entry) {
    std::vector<std::string_view> names;
    for (const auto& fault : demo::all_faults()) names.push_back(fault.name);
    const auto near = nearest_name(command.fault, names);
    return complain({fmt::format("--fault: unknown fault '{}'{}; `vnetprobe demo --list` names them", command.fault,
                                 near ? fmt::format("; did you mean '{}'?", *near) : "")});
  }
  const Interrupts interrupts;
  const demo::SimulatedVnet vnet(entry->fault);
  auto flags = vnet.run_flags();
  flags.insert(flags.begin(), "run");
  auto parsed = parse_command_line(std::move(flags));
  if (const auto* answer = std::get_if<Reply>(&parsed)) return complain({answer->text});
  auto& agent = std::get<RunCommand>(parsed);
  agent.presentation = command.presentation;
  agent.no_delivery = true;
  agent.simulated = true;
  if (!command.presentation.quiet) tell("A simulated VNet on loopback: {}.\n", entry->what);
  return run(agent);
}

}  // namespace vnetprobe
