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

std::vector<Finding> address_is_outside_of_its_tag(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const auto& file = evidence.report.agent.service_tags;
  const bool old = file && file->age_days && *file->age_days > old_after_days;
  for (const auto* check : evidence.open) {
    const auto& addresses = check->tagged_addresses;
    if (addresses.empty() || !std::all_of(addresses.begin(), addresses.end(), outside)) continue;
    // What answers needs no rule; where tags alone are let out and the file is fresh, it may not answer tomorrow.
    const bool dead = ends_at_tcp(*check, evidence.report) && check->finished;
    if (!dead && (old || !only_tags_get_out(evidence.report))) continue;
    findings.push_back(
        {.code = "service_tag.resolved_outside_tag",
         .subject = check->target.host,
         .confidence = old ? Confidence::possible : Confidence::likely,
         .checks = {check->id},
         .evidence = {{.check = check->id,
                       .observation = -1,
                       .says = fmt::format("{} is in none of the prefixes of {}{}", addresses.front().address,
                                           check->target.service_tag.value_or("its tag"),
                                           file ? fmt::format(" ({} {})", file->cloud, file->change_number) : "")}},
         .values = {{"tag", check->target.service_tag.value_or("")}},
         .only_informs = !dead || !only_tags_get_out(evidence.report)});
  }
  return findings;
}

// Only where it matters: some address was found outside.
std::vector<Finding> data_is_stale(const Evidenced& evidence) {
  const auto& file = evidence.report.agent.service_tags;
  if (!file || !file->age_days || *file->age_days <= old_after_days) return {};
  Finding finding{.code = "service_tag.data_stale",
                  .subject = file->source,
                  .confidence = Confidence::proven,
                  .only_informs = true};
  for (const auto* check : evidence.open)
    if (ends_at_tcp(*check, evidence.report) &&
        std::any_of(check->tagged_addresses.begin(), check->tagged_addresses.end(), outside))
      finding.checks.push_back(check->id);
  if (finding.checks.empty()) return {};
  finding.evidence = {{.check = finding.checks.front(),
                       .observation = -1,
                       .says = fmt::format("{} is of {}, {} days old", file->source, file->date, *file->age_days)}};
  return {finding};
}

// The note first: what the other one explains is no longer open.
constexpr std::array rules{NamedRule{"tag data is stale", data_is_stale},
                           NamedRule{"address is outside of its tag", address_is_outside_of_its_tag}};

}  // namespace

std::span<const NamedRule> service_tag_rules() { return rules; }

}  // namespace vnetprobe
