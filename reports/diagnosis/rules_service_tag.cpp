#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>

// What the agent's service-tag file says of the addresses (azure-facts 5).
namespace vnetprobe {
namespace {

constexpr int old_after_days = 60;  // published weekly; new addresses wait a week before they are used

bool outside(const TaggedAddress& one) { return !one.inside; }

// Where only tags are let out, an address outside of its tag is why nothing answers; elsewhere it is worth a note.
bool only_tags_get_out(const Report& report) {
  const auto& outbound = report.node.outbound;
  return outbound && (outbound->value == "limited" || outbound->value == "forced-tunnel");
}

bool is_old(const Report& report) {
  const auto& file = report.agent.service_tags;
  return file && file->age_days && *file->age_days > old_after_days;
}

Finding outside_of_tag(const Check& check, const Report& report) {
  const auto& file = report.agent.service_tags;
  const auto tag = check.target.service_tag.value_or("its tag");
  const auto& address = check.tagged_addresses.front().address;
  const auto words = fmt::format("{} is in none of the prefixes of {}{}", address, tag,
                                 file ? fmt::format(" ({} {})", file->cloud, file->change_number) : "");
  Finding finding{.code = "service_tag.resolved_outside_tag",
                  .subject = check.target.host,
                  .confidence = Confidence::likely,
                  .checks = {check.id},
                  .values = {{"tag", tag}}};
  for (const auto& dns : cited<DnsObservation>(check))
    if (finding.evidence.empty() && contains(dns->addresses, address)) finding.evidence = {dns.says(words)};
  if (finding.evidence.empty()) finding.evidence = {{.check = check.id, .observation = -1, .says = words}};
  if (is_old(report)) finding.confidence = Confidence::possible;
  return finding;
}

bool is_silent(const Check& check, const Report& report) {
  if (!check.finished || !ends_at_tcp(check, report)) return false;
  const auto tried = attempts(check, report);
  return std::all_of(tried.begin(), tried.end(), [](const auto& tcp) {
    return tcp->error == TcpFailure::timed_out && is_public(meant_address(tcp));
  });
}

std::vector<Finding> address_is_outside_of_its_tag(const Evidenced& evidence) {
  std::vector<Finding> causes, notes;
  for (const auto* check : evidence.open) {
    const auto& addresses = check->tagged_addresses;
    if (addresses.empty() || !std::all_of(addresses.begin(), addresses.end(), outside)) continue;
    const bool dead = check->finished && ends_at_tcp(*check, evidence.report);
    // A refusal has an author, and that is not a rule which no tag matches. An old file proves nothing.
    const bool is_cause =
        is_silent(*check, evidence.report) && only_tags_get_out(evidence.report) && !is_old(evidence.report);
    // What answers needs no rule; where tags alone are let out and the file is fresh, it may not answer tomorrow.
    if (!dead && (is_old(evidence.report) || !only_tags_get_out(evidence.report))) continue;
    auto& into = is_cause ? causes : notes;
    into.push_back(outside_of_tag(*check, evidence.report));
    into.back().only_informs = !is_cause;
  }
  // What works needs no diagnosis for each of its names.
  for (auto& note : as_one(std::move(notes))) causes.push_back(std::move(note));
  return causes;
}

// Only where it matters: what does not answer lies outside of its tag, or the routes of the fix come from this file.
std::vector<Finding> data_is_stale(const Evidenced& evidence) {
  const auto& file = evidence.report.agent.service_tags;
  if (!is_old(evidence.report)) return {};
  Finding finding{.code = "service_tag.data_stale",
                  .subject = file->source,
                  .confidence = Confidence::proven,
                  .only_informs = true};
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    const bool found_outside = std::any_of(check->tagged_addresses.begin(), check->tagged_addresses.end(), outside);
    const bool wants_routes = !file->routes.empty() && check->target.service_tag.has_value();
    if (found_outside || wants_routes) finding.checks.push_back(check->id);
  }
  if (finding.checks.empty()) return {};
  finding.evidence = {{.check = finding.checks.front(),
                       .observation = -1,
                       .says = fmt::format("{} is of {}, {} days old", file->source, file->date, *file->age_days)}};
  return {finding};
}

bool is_of_the_pair(const Check& check) { return check.id.starts_with("tag.AzureMachineLearning/"); }

// Forced tunnelling needs routes to Azure Machine Learning in both regions, and people forget the second.
std::vector<Finding> only_the_pair_is_silent(const Evidenced& evidence) {
  const auto& report = evidence.report;
  const bool own_region_answers = std::any_of(report.checks.begin(), report.checks.end(), [&](const Check& check) {
    return check.target.service == Service::machine_learning && !check.target.private_endpoint &&
           !is_of_the_pair(check) && !check.proxy && connected(check);
  });
  if (!only_tags_get_out(report) || !own_region_answers) return {};
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!is_of_the_pair(*check) || !is_silent(*check, report)) continue;
    const auto tcp = attempts(*check, report).front();
    findings.push_back({.code = "service_tag.pair_region_missing",
                        .subject = check->target.service_tag.value_or(check->target.host),
                        .confidence = Confidence::possible,
                        .checks = {check->id},
                        .evidence = {tcp.says(
                            fmt::format("no answer from {} in {}, while Azure Machine Learning of this region answers",
                                        to_string(tcp->remote), words(tcp->duration)))}});
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> service_tag_rules() {
  // The age of the file is told before its addresses explain anything.
  static constexpr std::array rules{NamedRule{"tag data is stale", data_is_stale},
                                    NamedRule{"address is outside of its tag", address_is_outside_of_its_tag},
                                    NamedRule{"only the paired region is silent", only_the_pair_is_silent}};
  return rules;
}

}  // namespace vnetprobe
