#include "reports/diagnosis/diagnose.hpp"

#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/findings.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <unordered_map>

namespace vnetprobe {
namespace {

// Skip by the plan ("not applicable because ...") is the plan's word and stays; skip by a code is ours, from an earlier
// diagnosis.
bool left_out_by_plan(const Check& check) {
  return check.verdict == Verdict::skip && check.observations.empty() && find_code(check.reason) == nullptr;
}

// A required check that a root cause made undecidable is as bad as a failed one: what it stands for does not work.
bool blocked(const Check& check) { return check.verdict == Verdict::skip && find_code(check.reason) != nullptr; }

bool out_of_time(const Check& check, const Report& report) {
  return !check.finished || (check.observations.empty() && !report.complete && !left_out_by_plan(check));
}

void forget_judgement(Report& report) {
  report.diagnoses.clear();
  for (auto& check : report.checks) {
    check.diagnoses.clear();
    if (left_out_by_plan(check)) continue;
    // Without observations the reason is the runner's, which nothing here could write again.
    const bool keep_words = check.observations.empty() && find_code(check.reason) == nullptr;
    if (!keep_words) check.reason.clear();
    check.verdict = Verdict::inconclusive;
  }
}

void decide_without_finding(Check& check, const Report& report) {
  if (out_of_time(check, report)) {
    check.verdict = Verdict::inconclusive;
    check.reason = report.complete                     ? "the agent could not finish it; see its log"
                   : report.interrupted_by == "signal" ? "not finished before the run was interrupted"
                                                       : "not finished before the deadline (probe.budget_exhausted)";
    return;
  }
  auto outcome = outcome_without_finding(check, report);
  check.verdict = outcome.verdict;
  check.reason = std::move(outcome.reason);
}

enum class Role { explained, dependant };

// What one diagnosis says about one check.
struct Say {
  const Finding* finding{};
  const Diagnosis* diagnosis{};
  Role role{};
  const Evidence* evidence{};  // the first about this check; absent: the title has to do

  bool decides() const { return !finding->only_informs && !finding->warns; }
  std::string reason() const { return evidence ? evidence->says : diagnosis->title; }
};

void decide(Check& check, const Report& report, const std::vector<Say>& says) {
  const auto first = [&](auto&& holds) { return std::find_if(says.begin(), says.end(), holds); };
  const auto fails = first([](const Say& say) { return say.decides() && say.role == Role::explained; });
  const auto blocks = first([](const Say& say) { return say.decides() && say.role == Role::dependant; });
  if (fails != says.end()) {
    check.verdict = Verdict::fail;
    check.reason = fails->reason();
    return;
  }
  if (blocks != says.end()) {
    check.verdict = Verdict::skip;
    check.reason = blocks->diagnosis->code;
    return;
  }
  decide_without_finding(check, report);
  const auto warns = first([](const Say& say) { return say.finding->warns; });
  if (warns == says.end() || out_of_time(check, report) || check.verdict == Verdict::fail) return;
  check.verdict = Verdict::warn;
  check.reason = warns->reason();
}

Severity severity_of(const Report& report, const CheckPlaces& places, const Finding& finding) {
  if (finding.severity) return *finding.severity;
  if (finding.only_informs) return Severity::info;
  if (finding.warns) return Severity::warning;
  for (const auto* ids : {&finding.checks, &finding.dependants})
    for (const auto& id : *ids)
      if (const auto place = places.find(id); place != places.end() && report.checks[place->second].required)
        return Severity::critical;
  return Severity::warning;
}

struct Placed {
  Found found;
  Diagnosis diagnosis;
};

std::vector<Placed> most_important_first(const Report& report, std::vector<Found> all) {
  const auto places = places_of(report);
  std::vector<Placed> placed;
  for (auto& found : all) {
    auto diagnosis = to_diagnosis(report, places, found.finding, severity_of(report, places, found.finding));
    placed.push_back({std::move(found), std::move(diagnosis)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    const auto size = [](const Placed& p) { return -static_cast<long>(p.diagnosis.checks.size()); };
    return std::tuple(a.diagnosis.severity, a.found.order, size(a)) <
           std::tuple(b.diagnosis.severity, b.found.order, size(b));
  });
  return placed;
}

using SaysByCheck = std::unordered_map<std::string_view, std::vector<Say>>;

SaysByCheck says_by_check(const std::vector<Placed>& placed) {
  SaysByCheck says;
  // Not taken apart into a structured binding: clang 14 lets no lambda capture one.
  for (const auto& one : placed) {
    const auto& finding = one.found.finding;
    const auto& diagnosis = one.diagnosis;
    std::unordered_map<std::string_view, const Evidence*> first_evidence;
    for (const auto& evidence : finding.evidence) first_evidence.emplace(evidence.check, &evidence);
    const auto say = [&](const std::string& id, Role role) {
      const auto evidence = first_evidence.find(id);
      says[id].push_back({.finding = &finding,
                          .diagnosis = &diagnosis,
                          .role = role,
                          .evidence = evidence == first_evidence.end() ? nullptr : evidence->second});
    };
    for (const auto& id : finding.checks) say(id, Role::explained);
    for (const auto& id : finding.dependants) say(id, Role::dependant);
  }
  return says;
}

void judge_checks(Report& report, const std::vector<Placed>& placed) {
  auto about = says_by_check(placed);
  for (auto& check : report.checks) {
    if (left_out_by_plan(check)) continue;
    const auto& says = about[check.id];
    decide(check, report, says);
    for (const auto& say : says) add_once(check.diagnoses, say.diagnosis->code);
  }
}

void sum_up(Report& report) {
  report.summary = {};
  bool broken = false, undecided = false, impaired = false;
  for (const auto& check : report.checks) {
    switch (check.verdict) {
      case Verdict::pass:
        ++report.summary.pass;
        break;
      case Verdict::warn:
        ++report.summary.warn;
        break;
      case Verdict::fail:
        ++report.summary.fail;
        break;
      case Verdict::skip:
        ++report.summary.skip;
        break;
      case Verdict::inconclusive:
        ++report.summary.inconclusive;
        break;
    }
    const bool fails = check.verdict == Verdict::fail || blocked(check);
    broken = broken || (check.required && fails);
    impaired = impaired || fails || check.verdict == Verdict::warn;
    undecided = undecided || (check.required && check.verdict == Verdict::inconclusive && out_of_time(check, report));
  }
  // A report with nothing decided says nothing about the network.
  const bool nothing_decided = report.summary.pass + report.summary.warn + report.summary.fail == 0;
  report.verdict = broken                         ? OverallVerdict::unhealthy
                   : undecided || nothing_decided ? OverallVerdict::inconclusive
                   : impaired                     ? OverallVerdict::degraded
                                                  : OverallVerdict::healthy;
}

}  // namespace

void diagnose(Report& report) {
  forget_judgement(report);
  const auto placed = most_important_first(report, run_rules(report));
  judge_checks(report, placed);
  for (const auto& one : placed) report.diagnoses.push_back(one.diagnosis);
  sum_up(report);
}

int exit_status(const Report& report) {
  for (const auto& check : report.checks) {
    if (!check.required) continue;
    if (check.verdict == Verdict::fail || blocked(check)) return 1;
    if (check.verdict == Verdict::inconclusive && out_of_time(check, report)) return 1;
  }
  return 0;
}

}  // namespace vnetprobe
