#include "agent/cli/commands.hpp"
#include "agent/cli/write_file.hpp"
#include "agent/docs/completion.hpp"
#include "agent/docs/man_page.hpp"
#include "agent/tell.hpp"
#include "reports/json/report_json.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace embedded {
extern const std::string_view config_example;
}
namespace {

std::string document(const DocsCommand& command) {
  if (command.name == "config") return std::string(embedded::config_example);
  if (command.name == "schema") return std::string(report_schema());
  if (command.name == "vnetprobe.1") return man_of_commands(described_command_line());
  if (command.name == "vnetprobe-config.5") return man_of_config(embedded::config_example);
  if (command.name == "vnetprobe-codes.7") return man_of_codes(all_codes());
  if (command.name == "zsh") return zsh_completion(described_command_line());
  if (command.name == "fish") return fish_completion(described_command_line());
  return bash_completion(described_command_line());
}

}  // namespace

int print_document(const DocsCommand& command) {
  const auto text = document(command);
  const auto problem = write_file("-", text);
  if (!problem.empty()) tell("vnetprobe: {}\n", problem);
  return problem.empty() ? 0 : status_internal;
}

}  // namespace vnetprobe
