#include "reports/diagnosis/diagnose.hpp"

#include "reports/diagnosis/findings.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <map>

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
                                                       : "not finished before the deadline";
    return;
  }
  if (check.observations.empty()) {
    if (check.reason.empty()) check.reason = "nothing was observed";
    return;
  }
  auto outcome = outcome_without_finding(check, report);
  check.verdict = outcome.verdict;
  check.reason = std::move(outcome.reason);
}

// What this finding says about one check, for the line beside its name.
std::string reason_for(const Check& check, const Found& found, const std::string& title) {
  for (const auto& evidence : found.finding.evidence)
    if (evidence.check == check.id) return evidence.says;
  return title;
}

struct Say {
  const Found* found{};
  const Diagnosis* diagnosis{};
};

void decide(Check& check, const Report& report, const std::vector<Say>& says) {
  const auto first = [&](auto&& holds) {
    return std::find_if(says.begin(), says.end(), [&](const Say& say) { return holds(say.found->finding); });
  };
  const auto fails = first([&](const Finding& f) { return !f.only_informs && !f.warns && names(f.checks, check.id); });
  const auto blocks =
      first([&](const Finding& f) { return !f.only_informs && !f.warns && names(f.dependants, check.id); });
  if (fails != says.end()) {
    check.verdict = Verdict::fail;
    check.reason = reason_for(check, *fails->found, fails->diagnosis->title);
    return;
  }
  if (blocks != says.end()) {
    check.verdict = Verdict::skip;
    check.reason = blocks->diagnosis->code;
    return;
  }
  decide_without_finding(check, report);
  const auto warns = first([&](const Finding& f) { return f.warns && names(f.checks, check.id); });
  if (warns == says.end() || out_of_time(check, report) || check.verdict == Verdict::fail) return;
  check.verdict = Verdict::warn;
  check.reason = reason_for(check, *warns->found, warns->diagnosis->title);
}

Severity severity_of(const Report& report, const Finding& finding) {
  if (finding.severity) return *finding.severity;
  if (finding.only_informs) return Severity::info;
  if (finding.warns) return Severity::warning;
  const bool required = std::any_of(report.checks.begin(), report.checks.end(), [&](const Check& check) {
    return check.required && (names(finding.checks, check.id) || names(finding.dependants, check.id));
  });
  return required ? Severity::critical : Severity::warning;
}

struct Placed {
  Found found;
  Diagnosis diagnosis;
};

std::vector<Placed> most_important_first(const Report& report, std::vector<Found> all) {
  std::vector<Placed> placed;
  for (auto& found : all) {
    auto diagnosis = to_diagnosis(report, found.finding, severity_of(report, found.finding));
    placed.push_back({std::move(found), std::move(diagnosis)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    const auto size = [](const Placed& p) { return -static_cast<long>(p.diagnosis.checks.size()); };
    return std::tuple(a.diagnosis.severity, a.found.order, size(a)) <
           std::tuple(b.diagnosis.severity, b.found.order, size(b));
  });
  return placed;
}

void judge_checks(Report& report, const std::vector<Placed>& placed) {
  std::map<std::string, std::vector<Say>, std::less<>> about;
  for (const auto& one : placed)
    for (const auto& id : one.diagnosis.checks) about[id].push_back({&one.found, &one.diagnosis});
  for (auto& check : report.checks) {
    if (left_out_by_plan(check)) continue;
    const auto& says = about[check.id];
    decide(check, report, says);
    for (const auto& say : says)
      if (!names(check.diagnoses, say.diagnosis->code)) check.diagnoses.push_back(say.diagnosis->code);
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
