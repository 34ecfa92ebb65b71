#include "agent/bundle/archive.hpp"
#include "agent/bundle/bundle.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/explain.hpp"
#include "agent/cli/list.hpp"
#include "agent/cli/output.hpp"
#include "agent/cli/prepare.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/tell.hpp"
#include "reports/compare/compare.hpp"
#include "reports/diagnosis/codes.hpp"
#include "reports/diagnosis/diagnose.hpp"
#include "reports/json/report_json.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

// The rules applied again; the error names the file.
ReadReport read_and_diagnose(const std::string& path) {
  const std::string name = path == "-" ? "stdin" : path;
  InputFile file;
  if (path != "-" && bundle::is_archive(path)) {
    auto report = bundle::report_in(path, file.error);
    file.bytes = std::move(report).value_or("");
  } else {
    file = read_file(path, report_at_most);
    if (bundle::is_archive_in(file.bytes))
      file.bytes = bundle::report_in_bytes(file.bytes, name, file.error).value_or("");
  }
  if (!file.error.empty()) return {.report = {}, .error = file.error};
  auto read = read_report(file.bytes);
  if (!read.report) return {.report = {}, .error = fmt::format("{}: {}", name, read.error)};
  diagnose(*read.report);
  return read;
}

}  // namespace

int list(const ListCommand& command) {
  if (command.what == "profiles") {
    fmt::print("{}", list_profiles(command.format));
    return 0;
  }
  if (command.what == "codes") {
    fmt::print("{}", list_codes(command.format));
    return 0;
  }
  auto preparation = prepare(command.run);
  if (!preparation.prepared) return complain(preparation.errors);
  const Prepared& prepared = *preparation.prepared;
  const Discovery discovery =
      combine(command.run.settings, prepared.config, prepared.local, prepared.host, std::nullopt);
  const Plan plan = selected_plan(prepared, discovery, command.run);
  fmt::print("{}", list_checks(plan, prepared.catalogue, command.format));
  // An array of checks has no place for what is none, and readers count on the array.
  if (command.format == "json") {
    for (const auto& missing : plan.not_checked) tell("vnetprobe: not checked: {}\n", missing);
    for (const auto& one : plan.left_out) tell("vnetprobe: of other networks: {}\n", one);
  }
  return 0;
}

int explain(const ExplainCommand& command) {
  if (const CodeEntry* entry = find_code(command.code)) {
    fmt::print("{}", command.format == "json" ? explain_json(*entry) : explain_text(*entry));
    return 0;
  }
  // "dns.resolver", "tcp.*": a family of codes.
  std::string family = command.code;
  while (family.ends_with('*') || family.ends_with('.')) family.pop_back();
  std::vector<std::string> members;
  for (const auto& entry : all_codes())
    if (!family.empty() && entry.code.starts_with(family + ".")) members.push_back(entry.code);
  if (!members.empty())
    return complain({fmt::format("'{}' is not one code; there are {}", command.code, fmt::join(members, ", "))});
  const auto near = nearest_codes(command.code);
  return complain({fmt::format("unknown code '{}'{}; `vnetprobe list codes` names them all", command.code,
                               near.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(near, ", ")))});
}

int diagnose_file(const DiagnoseCommand& command) {
  auto report = read_and_diagnose(command.path);
  if (!report.error.empty()) return complain({report.error});
  std::string problem;
  if (command.compare.empty()) {
    problem = present(*report.report, command.presentation);
  } else {
    const auto other = read_and_diagnose(command.compare);
    if (!other.error.empty()) return complain({other.error});
    problem = present(compare(*report.report, *other.report, command.path, command.compare), command.presentation);
  }
  if (!problem.empty()) {
    tell("vnetprobe: {}\n", problem);
    return status_internal;
  }
  return exit_status(*report.report);
}

}  // namespace vnetprobe
