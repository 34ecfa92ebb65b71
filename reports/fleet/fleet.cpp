#include "reports/fleet/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::size_t common_at_most = 4;
// Fifty times what a node has. Reports of strangers must not make the matrix as large as they like.
constexpr std::size_t checks_at_most = 2500;

char letter(Verdict verdict) { return boost::describe::enum_to_string(verdict, "-")[0]; }

// The reports of each node, the newest first. A host name alone does not tell two machines of different workspaces
// apart; a report without the machine's id (IMDS did not answer) belongs to the machine that is known by that name.
std::map<std::string, std::vector<NodeSummary>> by_node(std::vector<NodeSummary> reports) {
  std::map<std::string, std::set<std::string>> machines;
  for (const auto& report : reports)
    if (!report.machine.empty()) machines[report.hostname].insert(report.machine);
  std::map<std::string, std::vector<NodeSummary>> nodes;
  for (auto& report : reports) {
    const auto& known = machines[report.hostname];
    std::string name = report.hostname.empty() ? report.file : report.hostname;
    if (!report.hostname.empty() && known.size() > 1)
      name += report.machine.empty() ? " (machine unknown)" : " (" + report.machine + ")";
    nodes[std::move(name)].push_back(std::move(report));
  }
  for (auto& [name, all] : nodes)
    std::ranges::sort(all, [](const NodeSummary& one, const NodeSummary& other) {
      return std::tie(one.started_at, one.file) > std::tie(other.started_at, other.file);
    });
  return nodes;
}

int& counter_of(FleetCheck& check, Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return check.pass;
    case Verdict::warn:
      return check.warn;
    case Verdict::fail:
      return check.fail;
    case Verdict::skip:
      return check.skip;
    case Verdict::inconclusive:
      break;
  }
  return check.inconclusive;
}

// The age of a report beside the newest one's, in steps that a person would name.
std::string age(const std::string& started_at, const std::string& newest) {
  if (started_at.substr(0, 10) == newest.substr(0, 10)) return "";
  return "of another day than the newest (" + started_at.substr(0, 10) + ")";
}

using Newest = std::vector<std::pair<std::string, NodeSummary>>;

// Every trait once, and each node's as numbers: a fleet has thousands of nodes and a dozen traits.
class Traits {
 public:
  explicit Traits(const Newest& nodes) {
    std::map<Trait, std::size_t> numbers;
    for (const auto& [name, node] : nodes) {
      auto& row = rows_.emplace_back();
      for (const auto& trait : node.traits) {
        const auto [known, added] = numbers.try_emplace(trait, traits_.size());
        if (added) traits_.push_back(trait);
        row.push_back(known->second);
      }
    }
  }

  // What tells the members from the others: a trait that at least four of five of them have, and of the others at most
  // half as large a part. The clearest first.
  std::vector<Commonality> common_to(const std::set<std::size_t>& members) const {
    const int all = static_cast<int>(members.size()), others = static_cast<int>(rows_.size()) - all;
    std::vector<Commonality> common;
    if (others == 0) return common;
    std::vector<std::pair<int, int>> counted(traits_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i)
      for (const auto trait : rows_[i]) ++(members.contains(i) ? counted[trait].first : counted[trait].second);
    for (std::size_t i = 0; i < traits_.size(); ++i) {
      const auto [with, others_with] = counted[i];
      const bool most = with * 5 >= all * 4;
      // with/all >= 2 x others_with/others, without division.
      const bool telling = static_cast<long>(with) * others >= 2L * others_with * all;
      if (most && telling)
        common.push_back({.trait = traits_[i], .with = with, .others_with = others_with, .others = others});
    }
    std::ranges::sort(common, [&](const Commonality& one, const Commonality& other) {
      const auto difference = [&](const Commonality& c) {
        return static_cast<double>(c.with) / all - static_cast<double>(c.others_with) / others;
      };
      return std::pair(-difference(one), one.trait) < std::pair(-difference(other), other.trait);
    });
    if (common.size() > common_at_most) common.resize(common_at_most);
    return common;
  }

 private:
  std::vector<Trait> traits_;
  std::vector<std::vector<std::size_t>> rows_;
};

std::vector<FleetDiagnosis> grouped(const Newest& nodes) {
  struct Group {
    FleetDiagnosis diagnosis;
    std::set<std::size_t> members;
    bool titles_differ{};
  };
  const Traits traits(nodes);
  std::map<std::string, Group> groups;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const auto& one : nodes[i].second.diagnoses) {
      auto& group = groups[one.code];
      if (group.members.empty())
        group.diagnosis = {.code = one.code,
                           .title = one.title,
                           .severity = one.severity,
                           .owner = one.owner,
                           .nodes = {},
                           .common = {}};
      group.titles_differ = group.titles_differ || group.diagnosis.title != one.title;
      group.diagnosis.severity = std::min(group.diagnosis.severity, one.severity);
      if (group.members.insert(i).second) group.diagnosis.nodes.push_back(nodes[i].first);
    }
  std::vector<FleetDiagnosis> all;
  for (auto& [code, group] : groups) {
    if (group.titles_differ) group.diagnosis.title += " (and others)";
    group.diagnosis.common = traits.common_to(group.members);
    all.push_back(std::move(group.diagnosis));
  }
  std::ranges::stable_sort(all, [](const FleetDiagnosis& one, const FleetDiagnosis& other) {
    return std::pair(one.severity, -static_cast<long>(one.nodes.size())) <
           std::pair(other.severity, -static_cast<long>(other.nodes.size()));
  });
  return all;
}

int& counter_of(Fleet& fleet, OverallVerdict verdict) {
  switch (verdict) {
    case OverallVerdict::healthy:
      return fleet.healthy;
    case OverallVerdict::degraded:
      return fleet.degraded;
    case OverallVerdict::unhealthy:
      return fleet.unhealthy;
    case OverallVerdict::inconclusive:
      break;
  }
  return fleet.inconclusive;
}

}  // namespace

OverallVerdict verdict_of(const Fleet& fleet) {
  if (fleet.unhealthy > 0) return OverallVerdict::unhealthy;
  if (fleet.inconclusive > 0) return OverallVerdict::inconclusive;
  return fleet.degraded > 0 ? OverallVerdict::degraded : OverallVerdict::healthy;
}

FleetMatrix matrix_of(const Fleet& fleet, std::size_t columns_at_most) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < fleet.checks.size(); ++i)
    if (const auto& check = fleet.checks[i]; check.warn + check.fail + check.inconclusive > 0) columns.push_back(i);
  std::ranges::stable_sort(columns, std::greater{}, [&](std::size_t i) { return fleet.checks[i].fail; });
  FleetMatrix matrix;
  if (columns.size() > columns_at_most) {
    matrix.checks_left_out = static_cast<int>(columns.size() - columns_at_most);
    columns.resize(columns_at_most);
  }
  for (const auto column : columns) matrix.checks.push_back(fleet.checks[column].id);
  std::map<std::string, std::vector<std::string>> rows;
  for (const auto& node : fleet.nodes) {
    std::string pattern;
    for (const auto column : columns) pattern += node.verdicts[column];
    rows[pattern].push_back(node.name);
  }
  for (auto& [pattern, nodes] : rows) matrix.rows.push_back({.verdicts = pattern, .nodes = std::move(nodes)});
  std::ranges::stable_sort(matrix.rows, std::greater{}, [](const FleetPattern& row) { return row.nodes.size(); });
  return matrix;
}

std::string in_words(const Commonality& common, std::size_t nodes) {
  const std::string who = static_cast<std::size_t>(common.with) == nodes
                              ? (nodes == 1 ? std::string("It has") : fmt::format("All {} have", nodes))
                              : fmt::format("{} of the {} have", common.with, nodes);
  const std::string others = common.others_with == 0 ? "none" : fmt::format("{}", common.others_with);
  return fmt::format("{} {} {}; of the other {}, {}.", who, common.trait.kind, common.trait.value, common.others,
                     others);
}

Fleet merge_fleet(std::vector<NodeSummary> reports, std::vector<SkippedFile> skipped) {
  Fleet fleet{.skipped = std::move(skipped)};
  Newest newest;
  std::vector<int> older;
  for (auto& [name, all] : by_node(std::move(reports))) {
    older.push_back(static_cast<int>(all.size()) - 1);
    newest.emplace_back(name, std::move(all.front()));
  }
  std::string last;
  for (const auto& [name, node] : newest) last = std::max(last, node.started_at);
  std::map<std::string, FleetCheck> checks;
  for (auto& [name, node] : newest) {
    if (auto told = age(node.started_at, last); !told.empty())
      node.traits.push_back({.kind = "report", .value = std::move(told)});
    for (const auto& check : node.checks) {
      auto& row = checks[check.id];
      row.id = check.id;
      ++counter_of(row, check.verdict);
    }
  }
  std::map<std::string_view, std::size_t> columns;
  for (auto& [id, check] : checks) {
    if (columns.size() == checks_at_most) break;
    columns.emplace(id, fleet.checks.size());
    fleet.checks.push_back(check);
  }
  fleet.checks_left_out = static_cast<int>(checks.size() - columns.size());
  for (std::size_t i = 0; i < newest.size(); ++i) {
    const auto& [name, node] = newest[i];
    ++counter_of(fleet, node.verdict);
    FleetNode row{.name = name,
                  .file = node.file,
                  .started_at = node.started_at,
                  .verdict = node.verdict,
                  .complete = node.complete,
                  .older_reports = older[i],
                  .codes = {},
                  .verdicts = std::string(columns.size(), '-')};
    for (const auto& diagnosis : node.diagnoses) row.codes.push_back(diagnosis.code);
    std::ranges::sort(row.codes);
    row.codes.erase(std::unique(row.codes.begin(), row.codes.end()), row.codes.end());
    for (const auto& check : node.checks)
      if (const auto column = columns.find(check.id); column != columns.end())
        row.verdicts[column->second] = letter(check.verdict);
    fleet.nodes.push_back(std::move(row));
  }
  fleet.diagnoses = grouped(newest);
  return fleet;
}

}  // namespace vnetprobe
