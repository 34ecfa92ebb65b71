#include "agent/docs/command_tree.hpp"

#include "agent/cli/command_line.hpp"
#include "agent/demo/faults.hpp"
#include "reports/diagnosis/codes.hpp"

#include <CLI/CLI.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/mp11.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

// "TEXT:{text,json}" is how CLI11 shows an option that takes one of a set.
std::vector<std::string> members_of(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

// What a flag accepts where that is not checked while the line is read, but by the command itself.
std::vector<std::string> values_of_table(const std::string& name, const std::string& value) {
  std::vector<std::string> values;
  if (name == "--profile") values.assign(profile_names().begin(), profile_names().end());
  if (name == "--fault")
    for (const auto& entry : demo::all_faults()) values.emplace_back(entry.name);
  if (value == "CODE")
    for (const auto& entry : all_codes()) values.push_back(entry.code);
  if (value == "FORMAT")
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Format>>(
        [&](const auto& format) { values.emplace_back(format.name); });
  return values;
}

CommandArgument argument_of(const CLI::Option& option) {
  CommandArgument argument{.description = option.get_description(),
                           .required = option.get_required(),
                           .repeatable = option.get_items_expected_max() > 1 && option.get_items_expected_min() < 2};
  for (const auto& name : option.get_lnames()) argument.names.push_back("--" + name);
  for (const auto& name : option.get_snames()) argument.names.push_back("-" + name);
  if (option.get_items_expected_max() == 0) return argument;
  const auto type = option.get_type_name();
  argument.choices = members_of(type);
  argument.value = argument.positional() ? option.get_name() : type.substr(0, type.find(":{"));
  if (argument.value == "TEXT") argument.value = "VALUE";
  if (argument.choices.empty())
    argument.choices = values_of_table(argument.positional() ? "" : argument.names.front(), argument.value);
  return argument;
}

CommandTree walk(const CLI::App& app, const std::string& path, std::vector<std::string> footers_above) {
  CommandTree tree{.path = path, .description = app.get_description()};
  if (std::ranges::find(footers_above, app.get_footer()) == footers_above.end()) tree.footer = app.get_footer();
  footers_above.push_back(app.get_footer());
  for (const auto* option : app.get_options())
    if (option != app.get_help_ptr() && !option->get_group().empty()) tree.arguments.push_back(argument_of(*option));
  for (const auto* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    tree.commands.push_back(walk(*command, path + (path.empty() ? "" : " ") + command->get_name(), footers_above));
  return tree;
}

}  // namespace

bool CommandArgument::takes_path() const {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"FILE", "DIR", "PATH", ".json", "REPORT", "ROUTES", "OLD"},
      [&](std::string_view word) { return value.find(word) != std::string::npos; });
}

std::string CommandTree::name() const { return path.substr(path.rfind(' ') + 1); }

CommandTree command_tree(const CLI::App& app) { return walk(app, "", {}); }

}  // namespace vnetprobe
