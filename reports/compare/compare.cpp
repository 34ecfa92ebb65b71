#include "reports/compare/compare.hpp"

#include "reports/compare/node_differences.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::size_t named_at_most = 3;

// Which differences between two nodes can explain a diagnosis of that family, the most telling first.
struct Family {
  std::string_view prefix;
  std::vector<std::string_view> topics;
  std::string_view out_of_sight;  // what no node can see, and where to look when nothing else differs
};
const std::vector<Family>& families() {
  static const std::vector<Family> all{
      {"dns.",
       {"resolver", "answer", "route"},
       "the DNS servers' forwarders and the zones linked to each virtual network"},
      {"private_endpoint.", {"answer", "resolver", "place"}, "the private zones linked to each virtual network"},
      {"tls.",
       {"certificate", "trust", "proxy", "clock", "route"},
       "the inspection rules of the firewall on each path"},
      {"proxy.", {"proxy"}, "the proxy's own rules for each source address"},
      {"clock.", {"clock"}, "the host's time source"},
      {"imds.", {"proxy", "route", "host"}, "network namespaces and firewall rules of the node"},
      {"wireserver.", {"host", "route"}, "network namespaces and firewall rules of the node"},
      {"storage.", {"address", "answer", "place"}, "the resource's network rules and the subnet's service endpoints"},
      {"acr.", {"address", "answer", "place"}, "the resource's network rules"},
      {"keyvault.", {"address", "answer", "place"}, "the resource's network rules"},
      {"host.", {"host", "trust"}, "the node's own configuration"},
      {"websocket.", {"proxy", "route", "certificate"}, "the rules of the firewall or proxy on each path"},
      {"",
       {"route", "address", "proxy", "answer"},
       "the effective security rules and routes of each subnet, and the firewall's rules and log"}};
  return all;
}

const Family& family_of(std::string_view code) {
  return *std::ranges::find_if(families(), [&](const Family& family) { return code.starts_with(family.prefix); });
}

ComparedReport head_of(const Report& report, std::string name) {
  return {.name = std::move(name),
          .id = report.id,
          .hostname = report.node.hostname ? report.node.hostname->value : "",
          .started_at = report.started_at,
          .verdict = report.verdict,
          .complete = report.complete};
}

std::map<std::string_view, const Check*> by_id(const Report& report) {
  std::map<std::string_view, const Check*> checks;
  for (const auto& check : report.checks) checks.emplace(check.id, &check);
  return checks;
}

void compare_checks(Comparison& result, const Report& a, const Report& b) {
  const auto in_a = by_id(a), in_b = by_id(b);
  for (const auto& check : a.checks) {
    VerdictDifference difference{
        .id = check.id, .required = check.required, .a = check.verdict, .reason_a = check.reason};
    if (const auto other = in_b.find(check.id); other != in_b.end()) {
      if (other->second->verdict == check.verdict) {
        ++result.same_verdicts;
        continue;
      }
      difference.b = other->second->verdict;
      difference.reason_b = other->second->reason;
    }
    result.checks.push_back(std::move(difference));
  }
  for (const auto& check : b.checks)
    if (!in_a.contains(check.id))
      result.checks.push_back(
          {.id = check.id, .required = check.required, .b = check.verdict, .reason_b = check.reason});
}

void compare_diagnoses(Comparison& result, const Report& a, const Report& b) {
  const auto has = [](const Report& report, const Diagnosis& wanted) {
    return std::ranges::any_of(
        report.diagnoses, [&](const Diagnosis& one) { return one.code == wanted.code && one.title == wanted.title; });
  };
  const auto only = [&](const char* side, const Report& mine, const Report& others) {
    for (const auto& diagnosis : mine.diagnoses)
      if (!has(others, diagnosis))
        result.diagnoses.push_back({.only_in = side,
                                    .code = diagnosis.code,
                                    .title = diagnosis.title,
                                    .severity = diagnosis.severity,
                                    .owner = diagnosis.owner});
  };
  only("a", a, b);
  only("b", b, a);
  std::set<std::string> common;
  for (const auto& diagnosis : a.diagnoses)
    if (has(b, diagnosis) && common.insert(diagnosis.code).second) result.common_diagnoses.push_back(diagnosis.code);
}

// "DNS servers (A: 10.0.0.10, B: 168.63.129.16)"
std::string told(const NodeDifference& difference) {
  return fmt::format("{} (A: {}; B: {})", difference.what, difference.a, difference.b);
}

std::string cause_of(const Comparison& result, const DiagnosisDifference& diagnosis) {
  const bool in_a = diagnosis.only_in == "a";
  const Family& family = family_of(diagnosis.code);
  std::vector<std::string> related;
  for (const auto topic : family.topics)
    for (const auto& difference : result.node)
      if (difference.topic == topic && related.size() < named_at_most) related.push_back(told(difference));
  std::string head;
  if (!result.same_node)
    head = fmt::format("Only {} has {}.", in_a ? "A" : "B", diagnosis.code);
  else if (in_a == (result.a.started_at > result.b.started_at))
    head = fmt::format("{} came up between the two reports.", diagnosis.code);
  else
    head = fmt::format("{} went away between the two reports.", diagnosis.code);
  if (related.empty())
    return fmt::format("{} Nothing that the node can see differs in this matter: compare {}.", head,
                       family.out_of_sight);
  return fmt::format("{} What differs and can explain it: {}.", head, fmt::join(related, "; "));
}

void imply(Comparison& result) {
  for (const auto& diagnosis : result.diagnoses)
    if (diagnosis.severity != Severity::info) result.implies.push_back(cause_of(result, diagnosis));
  const auto common = fmt::format("{}", fmt::join(result.common_diagnoses, ", "));
  if (!common.empty())
    result.implies.push_back(result.same_node
                                 ? fmt::format("Unchanged: {}.", common)
                                 : fmt::format("Both have {}: look first at what the two nodes share.", common));
  for (const auto& [letter, side] : {std::pair{"A", &result.a}, {"B", &result.b}})
    if (!side->complete)
      result.implies.push_back(
          fmt::format("{} is not complete: a check that it left undecided proves nothing.", letter));
  std::vector<std::string> plan;
  for (const auto& difference : result.node)
    if (difference.topic == "plan" || difference.topic == "agent") plan.push_back(told(difference));
  const auto one_sided = std::ranges::count_if(result.checks, [](const auto& one) { return !one.a || !one.b; });
  if (!plan.empty() && one_sided > 0)
    result.implies.push_back(fmt::format("{} only in one report because the plans differ: {}.",
                                         one_sided == 1 ? "1 check is" : fmt::format("{} checks are", one_sided),
                                         fmt::join(plan, "; ")));
  if (!result.implies.empty()) return;
  result.implies.push_back(result.checks.empty() ? "No verdict differs."
                                                 : "Verdicts differ, but no diagnosis does: see the checks below.");
}

}  // namespace

Comparison compare(const Report& a, const Report& b, std::string name_a, std::string name_b) {
  Comparison result{.a = head_of(a, std::move(name_a)), .b = head_of(b, std::move(name_b))};
  result.same_node = !result.a.hostname.empty() && result.a.hostname == result.b.hostname;
  result.node = node_differences(a, b);
  compare_checks(result, a, b);
  compare_diagnoses(result, a, b);
  imply(result);
  return result;
}

}  // namespace vnetprobe
