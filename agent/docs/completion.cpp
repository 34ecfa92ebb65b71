#include "agent/docs/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

namespace vnetprobe {
namespace {

// Inside single quotes, which are all that the three shells agree on. None of our texts needs a line break.
std::string in_single_quotes(std::string_view text) {
  std::string out = "'";
  for (const char byte : text) {
    if (byte == '\'')
      out += "'\\''";
    else
      out += byte;
  }
  return out + "'";
}

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char byte : text) {
    if (special.find(byte) != std::string_view::npos) out += '\\';
    out += byte;
  }
  return out;
}

std::vector<std::string> names_of(const std::vector<CommandTree>& commands) {
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command.name());
  return names;
}

void each_command(const CommandTree& tree, const std::function<void(const CommandTree&)>& visit) {
  for (const auto& command : tree.commands) {
    visit(command);
    each_command(command, visit);
  }
}

std::string function_of(const CommandTree& command) {
  auto name = "_vnetprobe_" + command.path;
  std::ranges::replace(name, ' ', '_');
  return name;
}

// --- bash
// ----------------------------------------------------------------------------------------------------------------

std::string bash_values(const CommandArgument& argument) {
  if (!argument.choices.empty())
    return fmt::format("values={}", in_single_quotes(fmt::format("{}", fmt::join(argument.choices, " "))));
  return argument.takes_path() ? "paths=yes" : "";
}

void bash_command(std::string& out, const CommandTree& command) {
  std::vector<std::string> words{"--help"};
  for (const auto& argument : command.arguments)
    words.insert(words.end(), argument.names.begin(), argument.names.end());
  out += fmt::format("    {})\n      flags='{}'\n      case $previous in\n", in_single_quotes(command.path),
                     fmt::join(words, " "));
  for (const auto& argument : command.arguments)
    if (!argument.positional() && !argument.value.empty())
      out += fmt::format("        {}) takes=yes {};;\n", fmt::join(argument.names, "|"), bash_values(argument));
  out += "      esac\n";
  for (const auto& argument : command.arguments)
    if (argument.positional() && !bash_values(argument).empty())
      out += fmt::format("      [ -n \"$takes\" ] || {}\n", bash_values(argument));
  if (!command.commands.empty())
    out += fmt::format("      [ -n \"$takes\" ] || values='{}'\n", fmt::join(names_of(command.commands), " "));
  out += "      ;;\n";
}

constexpr std::string_view bash_begin = R"(# bash completion for vnetprobe; made by `vnetprobe docs completion bash`
_vnetprobe() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path=run flags='' values='' paths='' takes=''
  COMPREPLY=()
  # --flag=value comes as three words.
  if [ "$current" = = ]; then
    current=''
  elif [ "$previous" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
)";
constexpr std::string_view bash_end = R"(  esac
  if [ -z "$takes" ] && [ "${current:0:1}" = - ]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
  elif [ -n "$values" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  elif [ -n "$paths" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _vnetprobe vnetprobe
)";

// --- zsh
// -----------------------------------------------------------------------------------------------------------------

std::string zsh_action(const CommandArgument& argument) {
  if (!argument.choices.empty()) return fmt::format("({})", fmt::join(argument.choices, " "));
  return argument.takes_path() ? "_files" : " ";
}

std::string zsh_argument(const CommandArgument& argument, int& position) {
  const auto value = escaped(argument.value, ":");
  if (argument.positional())
    return in_single_quotes(fmt::format("{}:{}:{}", argument.repeatable ? "*" : fmt::format("{}", position++), value,
                                        zsh_action(argument)));
  std::string specs;
  for (const auto& name : argument.names) {
    const auto description = escaped(argument.description, "[]\\:");
    const auto taken = argument.value.empty() ? "" : fmt::format(":{}:{}", value, zsh_action(argument));
    specs += fmt::format(
        "{}{}", specs.empty() ? "" : " \\\n    ",
        in_single_quotes(fmt::format("{}{}[{}]{}", argument.repeatable ? "*" : "", name, description, taken)));
  }
  return specs;
}

std::string zsh_choice(const CommandTree& tree, std::string_view otherwise) {
  std::string out = "  local -a commands=(\n";
  for (const auto& command : tree.commands)
    out += fmt::format("    {}\n",
                       in_single_quotes(fmt::format("{}:{}", command.name(), escaped(command.description, ":\\"))));
  out +=
      "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    _describe -t commands 'vnetprobe command' "
      "commands\n";
  if (!tree.path.empty() && !tree.arguments.empty()) out += fmt::format("    {}\n", otherwise);
  out += "    return\n  fi\n  case $words[2] in\n";
  for (const auto& command : tree.commands)
    out += fmt::format("    {}) shift words; (( CURRENT-- )); {} ;;\n", command.name(), function_of(command));
  return out + fmt::format("    *) {} ;;\n  esac\n", otherwise);
}

void zsh_command(std::string& out, const CommandTree& command) {
  std::string specs = "'(- *)'{-h,--help}'[Print the usage]'";
  int position = 1;
  for (const auto& argument : command.arguments) specs += " \\\n    " + zsh_argument(argument, position);
  const auto arguments = fmt::format("_arguments -s {}", specs);
  out += fmt::format("{}() {{\n", function_of(command));
  out += command.commands.empty() ? "  " + arguments + "\n" : zsh_choice(command, arguments);
  out += "}\n\n";
}

// --- fish
// ----------------------------------------------------------------------------------------------------------------

void fish_argument(std::string& out, const std::string& at, const CommandArgument& argument) {
  std::string choices =
      argument.choices.empty()
          ? ""
          : fmt::format(" -a {}", in_single_quotes(fmt::format("{}", fmt::join(argument.choices, " "))));
  if (argument.positional()) {
    if (argument.takes_path()) out += fmt::format("complete -c vnetprobe -n {} -F\n", at);
    if (!choices.empty()) out += fmt::format("complete -c vnetprobe -n {}{}\n", at, choices);
    return;
  }
  out += fmt::format("complete -c vnetprobe -n {}", at);
  for (const auto& name : argument.names)
    out += name.starts_with("--") ? fmt::format(" -l {}", name.substr(2)) : fmt::format(" -s {}", name.substr(1));
  if (!argument.value.empty()) out += argument.takes_path() ? " -r -F" : " -x";
  out += fmt::format("{} -d {}\n", choices, in_single_quotes(escaped(argument.description, "\\")));
}

void fish_commands(std::string& out, const std::string& at, const CommandTree& tree) {
  for (const auto& command : tree.commands)
    out += fmt::format("complete -c vnetprobe -n {} -a {} -d {}\n", at, command.name(),
                       in_single_quotes(escaped(command.description, "\\")));
}

std::string fish_at(std::string_view path) { return in_single_quotes(fmt::format("__vnetprobe_at {}", path)); }

}  // namespace

std::string bash_completion(const CommandTree& program) {
  std::string out(bash_begin);
  out += fmt::format(
      "  if [ \"$COMP_CWORD\" -gt 1 ]; then\n    case ${{COMP_WORDS[1]}} in\n      {}) path=${{COMP_WORDS[1]}} ;;\n    "
      "esac\n  fi\n",
      fmt::join(names_of(program.commands), "|"));
  out += "  if [ \"$COMP_CWORD\" -gt 2 ]; then\n    case \"$path ${COMP_WORDS[2]}\" in\n";
  for (const auto& command : program.commands)
    for (const auto& verb : command.commands)
      out += fmt::format("      {}) path={} ;;\n", in_single_quotes(verb.path), in_single_quotes(verb.path));
  out += "    esac\n  fi\n  case $path in\n";
  each_command(program, [&](const CommandTree& command) { bash_command(out, command); });
  out += fmt::format("  esac\n  case $COMP_CWORD in\n    1) values='{}' flags=\"$flags --version\" ;;\n",
                     fmt::join(names_of(program.commands), " "));
  return out.append(bash_end);
}

std::string zsh_completion(const CommandTree& program) {
  std::string out = "#compdef vnetprobe\n# made by `vnetprobe docs completion zsh`\n\n";
  each_command(program, [&](const CommandTree& command) { zsh_command(out, command); });
  out += fmt::format("_vnetprobe() {{\n{}}}\n\n", zsh_choice(program, "_vnetprobe_run"));
  // Loaded by compinit the file is the function's own body; read by `source` it registers the function.
  return out +
         "if [[ $funcstack[1] = _vnetprobe ]]; then\n  _vnetprobe \"$@\"\nelse\n  compdef _vnetprobe vnetprobe\nfi\n";
}

std::string fish_completion(const CommandTree& program) {
  std::string out = "# fish completion for vnetprobe; made by `vnetprobe docs completion fish`\n";
  out += "function __vnetprobe_at --description 'Whether the command typed so far is this one'\n";
  out += "    set -l words (commandline -opc)\n    set -l at run\n    if not set -q words[2]\n        set at begin\n";
  out += fmt::format("    else if contains -- $words[2] {}\n        set at $words[2]\n",
                     fmt::join(names_of(program.commands), " "));
  out += "        if set -q words[3]\n            switch \"$at $words[3]\"\n                case";
  for (const auto& command : program.commands)
    for (const auto& verb : command.commands) out += " " + in_single_quotes(verb.path);
  out +=
      "\n                    set at \"$at $words[3]\"\n            end\n        end\n    end\n    test \"$at\" = "
      "\"$argv\"\nend\n\n";
  out += "complete -c vnetprobe -f\ncomplete -c vnetprobe -s h -l help -d 'Print the usage'\n";
  out += "complete -c vnetprobe -n '__vnetprobe_at begin' -l version -d 'Print the version'\n";
  fish_commands(out, fish_at("begin"), program);
  each_command(program, [&](const CommandTree& command) {
    fish_commands(out, fish_at(command.path), command);
    for (const auto& argument : command.arguments) {
      fish_argument(out, fish_at(command.path), argument);
      if (command.path == "run" && !argument.positional()) fish_argument(out, fish_at("begin"), argument);
    }
  });
  return out;
}

}  // namespace vnetprobe
