#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

using Imds = Cited<ImdsObservation>;

Finding about(const Imds& imds, std::string code, Confidence confidence, std::string words) {
  Finding finding{.code = std::move(code), .subject = "the instance metadata service", .confidence = confidence};
  finding.checks = {imds.check->id};
  finding.evidence = {imds.says(std::move(words))};
  return finding;
}

bool is_silent(ImdsFailure failure) {
  return failure == ImdsFailure::timed_out || failure == ImdsFailure::refused || failure == ImdsFailure::unreachable ||
         failure == ImdsFailure::closed;
}

// Hardened images drop what others than root ask, as the Azure agent does for 168.63.129.16 (azure-facts 3.6).
Finding imds_is_silent(const Imds& imds, const Report& report) {
  auto finding = about(imds, "imds.unreachable", Confidence::likely,
                       fmt::format("{}: no answer after {}", imds->url, words(imds->duration)));
  if (imds->tcp && imds->tcp->send_refused)
    finding.evidence.push_back(imds.says("the packets did not leave this node: a filter of its own drops them"));
  if (imds->tcp && imds->tcp->icmp && who_rejects(*imds->tcp->icmp, imds->remote.address) == Rejecter::this_node)
    finding.evidence.push_back(
        imds.says(fmt::format("ICMP {}/{} from this node's own address: a rule of its own rejects them",
                              imds->tcp->icmp->type, imds->tcp->icmp->code)));
  if (report.node.uid != 0)
    finding.alternatives = {
        fmt::format("a rule of this node lets only root ask, and this run has the uid {}", report.node.uid)};
  return finding;
}

// Only where the plan has reason to expect the service: a container or a machine elsewhere has none, and that is
// healthy.
std::vector<Finding> imds(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& imds : cited<ImdsObservation>(evidence.open)) {
    if (!imds->error) continue;
    // Silence is healthy where no such service need be.
    if (is_silent(*imds->error) && !imds.check->required) continue;
    const std::string url = imds->url;
    if (*imds->error == ImdsFailure::via_proxy)
      findings.push_back(
          about(imds, "imds.via_proxy", Confidence::proven, fmt::format("the answer of {} came through a proxy", url)));
    else if (*imds->error == ImdsFailure::not_json || *imds->error == ImdsFailure::too_big)
      findings.push_back(about(imds, "imds.not_genuine", Confidence::likely,
                               fmt::format("{} answered {} with something that is not metadata", url, imds->status)));
    else if (is_silent(*imds->error))
      findings.push_back(imds_is_silent(imds, evidence.report));
    else
      continue;
    // Another cloud's service may stand there; a proxy in the way of this one's is somebody's mistake.
    findings.back().warns = !imds.check->required && *imds->error == ImdsFailure::via_proxy;
    findings.back().only_informs = !imds.check->required && *imds->error != ImdsFailure::via_proxy;
  }
  return findings;
}

bool on_azure(const Report& report) {
  return std::ranges::any_of(cited<ImdsObservation>(all_checks(report)), [](const Imds& imds) { return !imds->error; });
}

bool is_dns_alive(const Report& report) {
  return std::ranges::any_of(cited<DnsObservation>(all_checks(report), Part::everything), [](const auto& dns) {
    return dns->server && dns->server->address == "168.63.129.16" && dns->rcode.has_value();
  });
}

// The agent's own rules drop everybody but root on a healthy machine (azure-facts 3.6): only root's silence means
// something, and only on a machine that Azure runs.
std::vector<Finding> wireserver(const Evidenced& evidence) {
  if (!on_azure(evidence.report)) return {};
  Finding finding{.subject = "168.63.129.16", .confidence = Confidence::proven};
  for (const auto& door : cited<WireserverObservation>(evidence.open)) {
    if (door->uid != 0 || (!door->tcp.error && !door->error)) continue;
    if (door->remote.port == 32526)
      continue;  // the plug-in of the guest agent may be off; the first door is always there
    finding.checks = {door.check->id};
    finding.evidence.push_back(
        door.says(fmt::format("root gets no answer from {} within {}", door->url, words(door->duration))));
  }
  if (finding.checks.empty()) return {};
  const bool dns_only = is_dns_alive(evidence.report);
  finding.code = dns_only ? "wireserver.dns_only" : "wireserver.unreachable";
  if (dns_only) finding.confidence = Confidence::likely;
  return {std::move(finding)};
}

// The service says so itself: what signs in with the machine's identity cannot, and the network has no part in it.
std::vector<Finding> no_identity(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& imds : cited<ImdsObservation>(evidence.open)) {
    if (imds->error || imds->has_identity.value_or(true)) continue;
    findings.push_back(about(imds, "imds.no_identity", Confidence::proven,
                             fmt::format("{} knows this machine and no identity of it", to_string(imds->remote))));
    findings.back().only_informs = true;
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> azure_local_rules() {
  static constexpr std::array rules{NamedRule{"imds", imds}, NamedRule{"imds.no_identity", no_identity},
                                    NamedRule{"wireserver", wireserver}};
  return rules;
}

}  // namespace vnetprobe
