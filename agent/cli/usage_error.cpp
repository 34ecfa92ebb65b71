#include "agent/cli/usage_error.hpp"

#include "probes/text.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace vnetprobe {
namespace {

// As far as the arguments name commands.
struct Reached {
  const CLI::App* command;
  std::string path;  // "vnetprobe tags"
  std::vector<std::string> rest;
};

const CLI::App* subcommand(const CLI::App& command, const std::string& name) {
  const auto all = command.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return all.empty() ? nullptr : all.front();
}

Reached reached(const CLI::App& program, const std::vector<std::string>& arguments) {
  Reached so_far{.command = &program, .path = "vnetprobe", .rest = arguments};
  while (!so_far.rest.empty()) {
    const auto* next = subcommand(*so_far.command, so_far.rest.front());
    if (!next) break;
    so_far.command = next;
    so_far.path += " " + so_far.rest.front();
    so_far.rest.erase(so_far.rest.begin());
  }
  return so_far;
}

std::vector<std::string_view> commands_of(const CLI::App& command) {
  std::vector<std::string_view> names;
  for (const auto* one : command.get_subcommands([](const CLI::App*) { return true; }))
    if (!one->get_group().empty()) names.emplace_back(one->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string missing_command(const Reached& at) {
  const auto names = commands_of(*at.command);
  if (at.rest.empty()) return fmt::format("{} needs a command: {}", at.path, fmt::join(names, ", "));
  const auto& wrong = at.rest.front();
  const auto meant = nearest_name(wrong, names);
  return fmt::format("unknown command '{}'; {}", printable(wrong, 60),
                     meant ? fmt::format("did you mean '{} {}'?", at.path, *meant)
                           : fmt::format("there are {}", fmt::join(names, ", ")));
}

std::string missing_argument(const Reached& at) {
  for (const auto* option : at.command->get_options())
    if (option->get_required() && option->count() == 0)
      return fmt::format("{} needs {}: {}", at.path, option->get_name(), option->get_description());
  return {};
}

// The first argument that nobody took, which is the flag's where a flag's value came with it.
std::string unexpected(const CLI::App& program, const Reached& at) {
  const auto extras = program.remaining(true);
  const auto is_extra = [&](const std::string& one) { return std::ranges::find(extras, one) != extras.end(); };
  auto wrong = std::ranges::find_if(at.rest, is_extra);
  if (wrong == at.rest.end()) return {};
  if (!wrong->starts_with('-'))
    return subcommand(program, *wrong)
               ? fmt::format("the command comes first: vnetprobe {} ...", *wrong)
               : fmt::format("'{}' was not expected; {} --help shows what is", printable(*wrong, 60), at.path);
  const auto flag = wrong->substr(0, wrong->find('='));
  auto known = flags_of(*at.command);
  for (auto& of_all : flags_of(program)) known.push_back(std::move(of_all));
  const auto meant = nearest_name(flag, std::vector<std::string_view>(known.begin(), known.end()));
  return fmt::format("unknown flag '{}'{}", printable(flag, 60),
                     meant ? fmt::format("; did you mean {}?", *meant) : "");
}

}  // namespace

std::string usage_error(const CLI::App& program, const CLI::ParseError& error,
                        const std::vector<std::string>& arguments) {
  const auto at = reached(program, arguments);
  std::string says;
  if (dynamic_cast<const CLI::ExtrasError*>(&error))
    says = unexpected(program, at);
  else if (dynamic_cast<const CLI::RequiredError*>(&error))
    says = commands_of(*at.command).empty() ? missing_argument(at) : missing_command(at);
  if (says.empty()) says = error.what();
  return fmt::format("vnetprobe: {}\nSee `{} --help`.\n", says, at.path);
}

}  // namespace vnetprobe
