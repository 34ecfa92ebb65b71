#include "reports/diagnosis/findings.hpp"

#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/dns_servers.hpp"
#include "reports/diagnosis/placeholders.hpp"
#include "reports/diagnosis/tag_fixes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace vnetprobe {
namespace {

constexpr std::size_t evidence_limit = 24;  // of one diagnosis: a reader wants proof, not a listing

using Ids = std::unordered_set<std::string_view>;

bool has_address(const Check& check) { return !cited<TcpObservation>(check).empty(); }

void keep_open(std::vector<std::string>& ids, const Ids& open, const Ids& but_not = {}) {
  std::vector<std::string> kept;
  std::unordered_set<std::string> seen;
  for (auto& id : ids)
    if (open.contains(id) && !but_not.contains(id) && seen.insert(id).second) kept.push_back(std::move(id));
  ids = std::move(kept);
}

// False: nothing is left that this finding would explain.
bool trim(Finding& finding, const Ids& open) {
  const bool about_checks = !finding.checks.empty() || !finding.dependants.empty();
  keep_open(finding.checks, open);
  keep_open(finding.dependants, open, Ids(finding.checks.begin(), finding.checks.end()));
  if (finding.checks.empty()) std::swap(finding.checks, finding.dependants);
  if (finding.checks.empty() && (about_checks || !finding.only_informs)) return false;
  // A rule that names a code outside the table is a mistake of ours. It must not hide that something is wrong.
  if (find_code(finding.code) == nullptr) finding.code = "verdict.unknown_network";
  return true;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

int strength(const Finding& finding) { return finding.only_informs ? 0 : finding.warns ? 1 : 2; }

// The stronger claim of the two stands: one of them saw more. Where one makes its checks fail and the other only warns
// about some, the failure is what the reader needs; the others' checks are left to their own evidence.
void merge(Finding& into, Finding& other) {
  if (strength(into) < strength(other)) std::swap(into, other);
  if (strength(into) == strength(other)) {
    append(into.checks, other.checks);
    append(into.dependants, other.dependants);
  }
  into.confidence = std::min(into.confidence, other.confidence);
  append(into.evidence, other.evidence);
  append(into.alternatives, other.alternatives);
  append(into.values, other.values);
  if (other.severity && into.severity) into.severity = std::min(*into.severity, *other.severity);
}

class Findings {
 public:
  void add(Finding finding, std::size_t order) {
    // A warning is another diagnosis than a failure where one of them would hide what the other names.
    const bool of_all = find_code(finding.code)->one_per_node;
    const auto [known, is_new] =
        places_.try_emplace({finding.code, of_all ? std::to_string(strength(finding)) : finding.subject}, all_.size());
    if (is_new) {
      subjects_.push_back({finding.subject});
      all_.push_back({std::move(finding), order});
      return;
    }
    add_once(subjects_[known->second], finding.subject);
    merge(all_[known->second].finding, finding);
  }

  std::vector<Found> take() {
    for (std::size_t i = 0; i < all_.size(); ++i) all_[i].finding.subject = words(subjects_[i]);
    return std::move(all_);
  }

 private:
  std::vector<Found> all_;
  std::vector<std::vector<std::string>> subjects_;                     // of each of them, in the order found
  std::map<std::pair<std::string, std::string>, std::size_t> places_;  // code and subject
};

template <class T>
void offer(Values& values, const char* name, const std::optional<Sourced<T>>& sourced) {
  if (sourced) values.emplace_back(name, sourced->value);
}

Values values_for(const Report& report, const CheckPlaces& places, const Finding& finding) {
  Values values;
  for (const auto& value : finding.values) values.push_back(value);
  values.emplace_back("subject", finding.subject);
  values.emplace_back("dns_server", for_dig(finding.subject));
  const auto& node = report.node;
  offer(values, "region", node.region);
  offer(values, "subscription", node.subscription);
  offer(values, "resource_group", node.resource_group);
  offer(values, "workspace", node.workspace);
  offer(values, "instance", node.instance);
  offer(values, "hostname", node.hostname);
  if (!finding.checks.empty() && places.contains(finding.checks.front())) {
    const auto& check = report.checks[places.at(finding.checks.front())];
    const auto& target = check.target;
    values.emplace_back("check", check.id);
    values.emplace_back("host", target.host);
    values.emplace_back("account", first_label(target.host));
    if (target.port != 0) values.emplace_back("port", std::to_string(target.port));
    values.emplace_back("url", target.url);
    // curl knows no wss: a WebSocket begins as a request (RFC 6455 section 4.1).
    values.emplace_back("http_url", target.url.starts_with("ws") ? "http" + target.url.substr(2) : target.url);
    if (target.service_tag) values.emplace_back("tag", *target.service_tag);
    if (target.private_zone) values.emplace_back("zone", *target.private_zone);
  }
  for (const auto& resolver : node.resolvers)
    if (!resolver.stub) values.emplace_back("resolver", for_dig(resolver.value));
  return values;
}

std::vector<std::string> in_plan_order(const Report& report, const CheckPlaces& places, const Finding& finding) {
  std::set<std::size_t> ordered;
  for (const auto* ids : {&finding.checks, &finding.dependants})
    for (const auto& id : *ids)
      if (const auto place = places.find(id); place != places.end()) ordered.insert(place->second);
  std::vector<std::string> ids;
  for (const auto place : ordered) ids.push_back(report.checks[place].id);
  return ids;
}

std::vector<Evidence> checked_evidence(const Report& report, const CheckPlaces& places,
                                       const std::vector<Evidence>& given) {
  std::vector<Evidence> kept;
  for (const auto& evidence : given) {
    if (kept.size() == evidence_limit) break;
    const auto place = places.find(evidence.check);
    if (place == places.end()) continue;
    const bool repeated = std::any_of(kept.begin(), kept.end(), [&](const Evidence& one) {
      return one.check == evidence.check && one.observation == evidence.observation && one.says == evidence.says;
    });
    if (repeated) continue;
    kept.push_back(evidence);
    if (evidence.observation >= static_cast<int>(report.checks[place->second].observations.size()))
      kept.back().observation = -1;
  }
  return kept;
}

// By a check's place in the report: what the rule was about that explained it first.
using TakenBy = std::vector<std::optional<About>>;

std::vector<std::size_t> those_that_owe_an_answer(const Report& report) {
  std::vector<std::size_t> owing;
  for (std::size_t i = 0; i < report.checks.size(); ++i)
    if (!report.checks[i].observations.empty() && !owes_no_answer(report.checks[i])) owing.push_back(i);
  return owing;
}

Evidenced evidence_for(const NamedRule& rule, const Report& report, const std::vector<std::size_t>& owing,
                       const TakenBy& taken, std::span<const DnsView> views, std::span<const DnsServer> servers) {
  Evidenced evidence{.report = report, .open = {}, .views = views, .servers = servers};
  for (const auto place : owing) {
    const auto& check = report.checks[place];
    const bool lost = taken[place] == About::way && rule.about == About::name && has_address(check);
    if (taken[place] && !lost) continue;
    if (lost) evidence.lost_on_the_way.insert(check.id);
    evidence.open.push_back(&check);
  }
  return evidence;
}

Ids ids_of(const std::vector<const Check*>& checks) {
  Ids ids;
  for (const auto* check : checks) ids.insert(check->id);
  return ids;
}

}  // namespace

CheckPlaces places_of(const Report& report) {
  CheckPlaces places;
  for (std::size_t i = 0; i < report.checks.size(); ++i) places.emplace(report.checks[i].id, i);
  return places;
}

std::vector<Found> run_rules(const Report& report) {
  Findings all;
  const auto places = places_of(report);
  const auto views = all_views(report);
  const auto servers = servers_of(report);
  const auto owing = those_that_owe_an_answer(report);
  TakenBy taken(report.checks.size());
  std::size_t order = 0;
  for (const auto& rule : rules_in_order()) {
    const auto evidence = evidence_for(rule, report, owing, taken, views, servers);
    auto found = rule.rule(evidence);
    const Ids open = found.empty() ? Ids{} : ids_of(evidence.open);
    for (auto& finding : found) {
      if (!trim(finding, open)) continue;
      if (!finding.only_informs && !finding.warns) {
        for (const auto* ids : {&finding.checks, &finding.dependants})
          for (const auto& id : *ids) taken[places.at(id)] = rule.about;
      }
      all.add(std::move(finding), order);
    }
    ++order;
  }
  return all.take();
}

Diagnosis to_diagnosis(const Report& report, const CheckPlaces& places, const Finding& finding, Severity severity) {
  const auto& entry = *find_code(finding.code);
  const auto values = values_for(report, places, finding);
  const auto filled = [&](const std::string& text) { return fill(text, values).text; };
  Diagnosis diagnosis{.code = finding.code,
                      .severity = severity,
                      .confidence = finding.confidence,
                      .title = filled(entry.title),
                      .explanation = filled(entry.explanation),
                      .owner = entry.owner,
                      .checks = in_plan_order(report, places, finding),
                      .evidence = checked_evidence(report, places, finding.evidence),
                      .reference = entry.reference};
  if (finding.confidence != Confidence::proven) {
    diagnosis.next_test = filled(entry.next_test);
    for (const auto& alternative : entry.alternatives) diagnosis.alternatives.push_back(filled(alternative));
  }
  for (const auto& alternative : finding.alternatives) add_once(diagnosis.alternatives, alternative);
  diagnosis.fix = fixes_by_service_tag(report, places, finding);
  for (const auto& step : entry.fix) {
    const auto command = fill(step.command, values);
    diagnosis.fix.push_back({.text = filled(step.text), .command = command.text, .is_template = !command.complete});
  }
  return diagnosis;
}

}  // namespace vnetprobe
