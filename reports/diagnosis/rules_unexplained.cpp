#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>

// The end of the decision order: what fails and no rule tells why, and a node that fails though its network does not.
namespace vnetprobe {
namespace {

// Where to look next, by the layer that failed.
std::vector<std::string> hypotheses(std::string_view layer) {
  if (layer == "dns") return {"the resolver answers in a way that this agent does not know"};
  if (layer == "udp")
    return {"a route to the target is missing or wrong", "the gateway does not answer",
            "a rule of this node's firewall or of a device on the way"};
  if (layer == "tcp") return {"a route or a firewall of this node", "a device on the way", "the target itself"};
  return {"a device on the way changes or ends the exchange", "the service itself"};
}

// A failure without a reason would leave its reader with nothing: the hypotheses that are left, and what to try.
std::vector<Finding> nothing_explains_it(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!check->finished) continue;
    auto outcome = outcome_without_finding(*check, evidence.report);
    if (outcome.verdict != Verdict::fail) continue;
    const auto last = std::find_if(check->observations.rbegin(), check->observations.rend(),
                                   [](const Observation& one) { return !one.follow_up; });
    if (last == check->observations.rend()) continue;
    const auto target = endpoint_of(*check);
    findings.push_back({.code = "verdict.unknown_network",
                        .subject = target.empty() ? check->id : target,
                        .confidence = Confidence::possible,
                        .checks = {check->id},
                        .evidence = {{.check = check->id,
                                      .observation = static_cast<int>(check->observations.rend() - last) - 1,
                                      .says = std::move(outcome.reason)}},
                        .alternatives = hypotheses(layer_of(last->seen))});
  }
  return as_one(std::move(findings));
}

bool an_agent_of_azure_is_down(const Report& report) {
  const auto host = host_fact(report, HostTopic::agents);
  return host && (*host)->agents && platform_is_owed(report) &&
         std::ranges::any_of((*host)->agents->units,
                             [](const AgentFacts& agent) { return !agent.running.value_or(true); });
}

// Everything that is required works, and the node is unusable all the same: whoever looks for the cause in the network
// looks in the wrong place.
std::vector<Finding> the_network_is_not_the_cause(const Evidenced& evidence) {
  if (!an_agent_of_azure_is_down(evidence.report)) return {};
  std::size_t required = 0, passed = 0, connections = 0;
  for (const auto& check : evidence.report.checks)
    if (check.required && !check.observations.empty()) ++required;
  for (const auto* check : evidence.open) {
    if (!check->required || !check->finished) continue;
    if (outcome_without_finding(*check, evidence.report).verdict == Verdict::pass) ++passed;
    if (connected(*check)) ++connections;
  }
  if (required == 0 || passed < required || connections == 0 || !evidence.report.complete) return {};
  const auto host = host_fact(evidence.report, HostTopic::agents);
  return {{.code = "verdict.node_ok",
           .subject = "this node",
           .confidence = Confidence::possible,
           .checks = {host->check->id},
           .evidence = {host->says(fmt::format("an agent of Azure does not run, and all of {} required checks that "
                                               "were made passed",
                                               required))},
           .only_informs = true}};
}

}  // namespace

std::span<const NamedRule> last_rules() {
  static constexpr std::array rules{NamedRule{"nothing explains it", nothing_explains_it},
                                    NamedRule{"the network is not the cause", the_network_is_not_the_cause}};
  return rules;
}

}  // namespace vnetprobe
