#include "agent/docs/man_page.hpp"

#include "agent/docs/roff.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/describe/enum_to_string.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void join(std::string& lines, std::string_view line) {
  if (!lines.empty()) lines += '\n';
  lines += line;
}

// A footer as it is typed into the source: indented lines are examples, the others sentences.
std::string footer_of(std::string_view footer) {
  std::string out, example;
  const auto end_example = [&] {
    if (!example.empty()) out += roff::example(example);
    example.clear();
  };
  for (const auto line : lines_of(footer)) {
    if (line.starts_with("  ")) {
      join(example, line);
      continue;
    }
    end_example();
    if (!line.empty()) out += fmt::format(".PP\n{}\n", roff::text(line));
  }
  end_example();
  return out;
}

std::string named(const CommandArgument& argument) {
  if (argument.positional()) return roff::italic(argument.value);
  std::vector<std::string> names;
  for (const auto& name : argument.names) names.push_back(roff::bold(name));
  const auto value = argument.value.empty() ? "" : " " + roff::italic(argument.value);
  return fmt::format("{}{}", fmt::join(names, ", "), value);
}

// A short set is told; of a long one (the codes) the description must say enough.
std::string described(const CommandArgument& argument) {
  auto text = roff::text(argument.description);
  constexpr std::size_t few = 10;
  bool all_told = argument.choices.size() > few;
  if (!all_told) {
    all_told = true;
    for (const auto& choice : argument.choices)
      all_told = all_told && argument.description.find(choice) != std::string::npos;
  }
  if (!all_told) {
    std::vector<std::string> choices;
    for (const auto& choice : argument.choices) choices.push_back(roff::bold(choice));
    text += fmt::format(". One of {}", fmt::join(choices, ", "));
  }
  return text + (argument.required && !argument.positional() ? ". Required." : ".");
}

std::string synopsis_of(const CommandTree& command) {
  auto out = roff::bold(fmt::format("vnetprobe{}{}", command.path.empty() ? "" : " ", command.path));
  bool has_options = false;
  for (const auto& argument : command.arguments) has_options = has_options || !argument.positional();
  if (has_options) out += fmt::format(" [{}]", roff::italic("OPTIONS"));
  for (const auto& argument : command.arguments)
    if (argument.positional()) {
      const auto name = roff::italic(argument.value) + (argument.repeatable ? "..." : "");
      out += argument.required ? " " + name : fmt::format(" [{}]", name);
    }
  return out;
}

bool runs_alone(const CommandTree& command) { return command.commands.empty() || !command.arguments.empty(); }

void write_synopses(std::string& out, const CommandTree& command) {
  if (!command.path.empty() && runs_alone(command)) out += synopsis_of(command) + "\n.br\n";
  for (const auto& below : command.commands) write_synopses(out, below);
}

void write_command(std::string& out, const CommandTree& command) {
  out += fmt::format(".SS \"vnetprobe {}\"\n{}.\n", roff::literal(command.path), roff::text(command.description));
  for (const auto& argument : command.arguments)
    out += fmt::format(".TP\n{}\n{}\n", named(argument), described(argument));
  out += footer_of(command.footer);
  for (const auto& below : command.commands) write_command(out, below);
}

constexpr std::string_view surroundings = R"(.SH EXIT STATUS
.TP
.B 0
Every required check passed; warnings are allowed.
.TP
.B 1
At least one required check failed, or was left undecided by the deadline or by an interruption.
.TP
.B 2
Wrong usage or configuration; nothing was probed.
.TP
.B 3
vnetprobe itself failed.
.SH ENVIRONMENT
.TP
.BR http_proxy ", " https_proxy ", " all_proxy ", " no_proxy
The proxy, as other programs know it; also in capitals, but for HTTP_PROXY.
.TP
.B NO_COLOR
No colour on a terminal.
.TP
.BR MLFLOW_TRACKING_URI ", " AZUREML_* ", " AZ_BATCH_* ", " CI_NAME
What Azure Machine Learning says of the node.
.SH FILES
.TP
.I /etc/vnetprobe/config.yaml
The configuration, where it exists; see
.BR vnetprobe\-config (5).
.TP
.I /var/lib/vnetprobe
Reports that wait to be sent, the history of the daemon, a newer service\-tag file.
.SH SEE ALSO
.BR vnetprobe\-config (5),
.BR vnetprobe\-codes (7)
)";

// One block of the commented configuration: remarks, then settings that are switched off by a "#" right before them.
struct ConfigBlock {
  std::string remarks, settings;
  std::vector<std::string> keys;
};

ConfigBlock block_of(std::string_view text) {
  ConfigBlock block;
  for (auto line : lines_of(text)) {
    if (line == "#" || line.starts_with("# ")) {
      line.remove_prefix(std::min<std::size_t>(2, line.size()));
      block.remarks += fmt::format("{}{}", block.remarks.empty() ? "" : " ", line);
      continue;
    }
    if (line.starts_with('#')) line.remove_prefix(1);
    join(block.settings, line);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && !line.starts_with('-') && !line.starts_with(' '))
      block.keys.emplace_back(line.substr(0, colon));
  }
  return block;
}

std::vector<ConfigBlock> blocks_of(std::string_view example) {
  std::vector<ConfigBlock> blocks;
  std::string lines;
  for (const auto line : lines_of(example)) {
    if (!line.empty() && line != "#") {
      join(lines, line);
      continue;
    }
    if (!lines.empty()) blocks.push_back(block_of(lines));
    lines.clear();
  }
  if (!lines.empty()) blocks.push_back(block_of(lines));
  return blocks;
}

std::string group_of(const CodeEntry& entry) { return entry.code.substr(0, entry.code.find('.')); }

void write_code(std::string& out, const CodeEntry& of_the_table) {
  const auto entry = without_values(of_the_table);
  out += fmt::format(".TP\n{}\n{}.\n.RS\n.PP\n{}\n", roff::bold(entry.code), roff::text(entry.title),
                     roff::text(entry.explanation));
  const auto paragraph = [&](std::string_view label, std::string_view text) {
    if (!text.empty()) out += fmt::format(".PP\n{} {}\n", roff::italic(label), roff::text(text));
  };
  paragraph("Evidence:", entry.evidence);
  paragraph("Misleading:", entry.misleads);
  if (entry.healthy)
    paragraph("Who fixes it:", "nobody, this is a healthy state.");
  else
    paragraph("Who fixes it:", fmt::format("{}; best confidence from inside the node: {}.",
                                           boost::describe::enum_to_string(entry.owner, ""),
                                           boost::describe::enum_to_string(entry.best_confidence, "")));
  for (const auto& fix : entry.fix) {
    paragraph("Fix:", fix.text);
    if (!fix.command.empty()) out += roff::example("  " + fix.command);
  }
  paragraph("Could also be:", fmt::format("{}", fmt::join(entry.alternatives, "; ")));
  paragraph("What would tell:", entry.next_test);
  paragraph("Reference:", entry.reference);
  out += ".RE\n";
}

}  // namespace

std::string man_of_commands(const CommandTree& program) {
  auto out = roff::heading("VNETPROBE", 1, "User Commands");
  out +=
      ".SH NAME\nvnetprobe \\- finds out why an Azure Machine Learning node cannot reach what it needs\n.SH SYNOPSIS\n";
  write_synopses(out, program);
  out += fmt::format(".SH DESCRIPTION\n{}\n{}", roff::text(program.description), footer_of(program.footer));
  out += ".SH OPTIONS\n.TP\n\\fB\\-\\-help\\fR, \\fB\\-h\\fR\nThe usage of the program or of a command.\n";
  for (const auto& argument : program.arguments)
    out += fmt::format(".TP\n{}\n{}\n", named(argument), described(argument));
  out += ".SH COMMANDS\n";
  for (const auto& command : program.commands) write_command(out, command);
  return out.append(surroundings);
}

std::string man_of_config(std::string_view example) {
  auto out = roff::heading("VNETPROBE-CONFIG", 5, "File Formats");
  out +=
      ".SH NAME\nvnetprobe\\-config \\- configuration of vnetprobe\n.SH SYNOPSIS\n.I /etc/vnetprobe/config.yaml\n.SH "
      "DESCRIPTION\n";
  out +=
      "The file is YAML. An unknown key, a value of a wrong type or an impossible combination is an error that names "
      "file, line and column.\n";
  bool settings_begin = true;
  for (const auto& block : blocks_of(example)) {
    if (block.settings.empty()) {
      out += fmt::format(".PP\n{}\n", roff::text(block.remarks));
      continue;
    }
    if (settings_begin) out += ".SH SETTINGS\n";
    settings_begin = false;
    std::vector<std::string> keys;
    for (const auto& key : block.keys) keys.push_back(roff::bold(key));
    out += fmt::format(".TP\n{}\n{}\n.RS\n.PP\n{}.RE\n", fmt::join(keys, ", "), roff::text(block.remarks),
                       roff::example(block.settings));
  }
  return out + ".SH SEE ALSO\n.BR vnetprobe (1),\n.BR vnetprobe\\-codes (7)\n";
}

std::string man_of_codes(std::span<const CodeEntry> codes) {
  auto out = roff::heading("VNETPROBE-CODES", 7, "Miscellaneous");
  out +=
      ".SH NAME\nvnetprobe\\-codes \\- what each diagnosis code of vnetprobe means, its evidence, and who fixes "
      "it\n.SH DESCRIPTION\n";
  out += "A report names causes by stable codes. \\fBvnetprobe explain \\fICODE\\fR prints one of them.\n";
  // In the order of the table, but each group in one place.
  std::vector<std::string> groups;
  for (const auto& entry : codes)
    if (const auto group = group_of(entry); std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  for (const auto& group : groups) {
    out += fmt::format(".SS \"{}\"\n", roff::literal(group));
    for (const auto& entry : codes)
      if (group_of(entry) == group) write_code(out, entry);
  }
  return out + ".SH SEE ALSO\n.BR vnetprobe (1),\n.BR vnetprobe\\-config (5)\n";
}

}  // namespace vnetprobe
