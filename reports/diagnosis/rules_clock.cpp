#include "reports/diagnosis/answers.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds skew_worth_a_word = 60s;  // diagnosis-codes 1.8
constexpr milliseconds same_story_within = 90s;  // two hosts that tell the same time
constexpr int validity_not_yet = 9,
              validity_expired = 10;  // X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED

bool failed_on_validity(const Check& check) {
  return std::ranges::any_of(cited<TlsObservation>(check), [](const auto& tls) {
    return !tls->verified && (tls->verify_code == validity_not_yet || tls->verify_code == validity_expired);
  });
}

// Behind a certificate that does not verify anybody may write anything; dates alone may be this clock's own fault.
bool vouched_for(const Check& check) {
  const auto handshakes = cited<TlsObservation>(check);
  return handshakes.empty() || handshakes.back()->verified || failed_on_validity(check);
}

// One host's word about the time: the answer that it came with. What a portal or a proxy wrote in the names of many
// hosts is the word of one device.
std::map<std::string, ServiceAnswer> word_of_each_host(const Report& report) {
  std::map<std::string, ServiceAnswer> hosts;
  for (const auto& answer : answers_of(all_checks(report)))
    if (answer.clock_offset && is_genuine(answer) && vouched_for(*answer.check))
      hosts.emplace(answer.check->target.host, answer);
  return hosts;
}

std::string in_words(milliseconds skew) {
  const auto seconds = std::abs(skew.count()) / 1000;
  const std::string size = seconds >= 7200  ? fmt::format("{:.1f} hours", static_cast<double>(seconds) / 3600)
                           : seconds >= 120 ? fmt::format("{} minutes", seconds / 60)
                                            : fmt::format("{} seconds", seconds);
  return size + (skew.count() > 0 ? " ahead" : " behind");
}

// Two independent hosts agree with each other and not with this node. Proxies and caches replay old dates, so nobody
// else may tell another time.
std::vector<Finding> skew(const Evidenced& evidence) {
  const auto hosts = word_of_each_host(evidence.report);
  if (hosts.size() < 2) return {};
  std::vector<milliseconds> offsets;
  for (const auto& [host, answer] : hosts) offsets.push_back(*answer.clock_offset);
  std::ranges::sort(offsets);
  const milliseconds median = offsets[offsets.size() / 2];
  const auto agree = std::ranges::count_if(
      offsets, [&](milliseconds one) { return std::chrono::abs(one - median) <= same_story_within; });
  if (std::chrono::abs(median) <= skew_worth_a_word || agree < 2 || agree * 3 < static_cast<long>(offsets.size()) * 2)
    return {};

  Finding finding{.code = "clock.skew", .subject = "this node", .confidence = Confidence::proven};
  finding.values = {{"skew", in_words(median)}};
  for (const auto& [host, answer] : hosts)
    finding.evidence.push_back(answer.says(
        fmt::format("{} says another time: this node's clock is {} of it", host, in_words(*answer.clock_offset))));
  for (const auto* check : evidence.open) {
    if (check->id == "node.clock") finding.checks.push_back(check->id);
    if (failed_on_validity(*check)) finding.dependants.push_back(check->id);
  }
  if (const auto clock = host_fact(evidence.report, HostTopic::clock); clock && (*clock)->clock)
    finding.evidence.insert(finding.evidence.begin(), clock->says(fmt::format("the clock is {} of what {} hosts say",
                                                                              in_words(median), hosts.size())));
  finding.only_informs = finding.checks.empty() && finding.dependants.empty();
  return {std::move(finding)};
}

// Seconds off, agreed by two hosts, and nothing that would put it right: it was right once and drifts.
std::vector<Finding> drifts(const Evidenced& evidence) {
  constexpr milliseconds beyond_rounding = 5s;
  const auto clock = host_fact(evidence.report, HostTopic::clock);
  if (!clock || !(*clock)->clock || (*clock)->clock->synchronised) return {};
  Finding finding{.code = "clock.unsynchronised", .subject = "this node", .confidence = Confidence::proven};
  finding.only_informs = true;
  finding.checks = {clock->check->id};
  finding.evidence = {clock->says("the kernel says that the clock is not synchronised")};
  int behind = 0, ahead = 0;
  for (const auto& [host, answer] : word_of_each_host(evidence.report)) {
    if (std::chrono::abs(*answer.clock_offset) <= beyond_rounding) return {};
    ++(*answer.clock_offset > 0ms ? ahead : behind);
    finding.evidence.push_back(
        answer.says(fmt::format("this node's clock is {} of {}", in_words(*answer.clock_offset), host)));
  }
  return std::max(behind, ahead) >= 2 && std::min(behind, ahead) == 0 ? std::vector{finding} : std::vector<Finding>{};
}

// A certificate's dates do not fit, and the one host that told a time contradicts this node's.
std::vector<Finding> suspect(const Evidenced& evidence) {
  const auto hosts = word_of_each_host(evidence.report);
  const auto other =
      std::ranges::find_if(hosts, [](const auto& host) { return std::chrono::abs(*host.second.clock_offset) > 5min; });
  if (other == hosts.end()) return {};
  Finding finding{.code = "tls.clock_suspect", .subject = "this node", .confidence = Confidence::likely};
  finding.values = {{"skew", in_words(*other->second.clock_offset)}};
  for (const auto* check : evidence.open) {
    if (!failed_on_validity(*check)) continue;
    finding.checks.push_back(check->id);
    for (const auto& tls : cited<TlsObservation>(*check))
      finding.evidence.push_back(
          tls.says(fmt::format("{} by this node's clock", tls->verify_error.value_or("the dates do not fit"))));
  }
  if (finding.checks.empty()) return {};
  finding.evidence.push_back(other->second.says(
      fmt::format("{} says another time: this node is {}", other->first, in_words(*other->second.clock_offset))));
  return {std::move(finding)};
}

// The run's own length by two clocks: the one that programs read the time from, and one that nobody can set.
std::vector<Finding> steps(const Evidenced& evidence) {
  constexpr milliseconds a_step = 2s;
  const Report& report = evidence.report;
  const auto clock = host_fact(report, HostTopic::clock);
  const auto never = std::chrono::sys_time<milliseconds>{};
  if (!clock || report.started_at == never || report.finished_at == never) return {};
  const auto went = std::chrono::duration_cast<milliseconds>(report.duration);
  const auto stepped = report.finished_at - report.started_at - went;
  if (std::chrono::abs(stepped) < a_step) return {};
  Finding finding{.code = "clock.stepping", .subject = "this node", .confidence = Confidence::possible};
  finding.only_informs = true;
  finding.checks = {clock->check->id};
  finding.evidence = {clock->says(fmt::format("in {} of running, the node's clock moved by {} {}", words(went),
                                              words(std::chrono::abs(went + stepped)),
                                              went + stepped < 0ms ? "backwards" : "forwards"))};
  return {std::move(finding)};
}

}  // namespace

std::span<const NamedRule> clock_rules() {
  static constexpr std::array rules{NamedRule{"clock.skew", skew}, NamedRule{"clock.stepping", steps},
                                    NamedRule{"clock.unsynchronised", drifts}, NamedRule{"tls.clock_suspect", suspect}};
  return rules;
}

}  // namespace vnetprobe
