#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <array>

namespace vnetprobe {
namespace {

// One refusal of one service, as its documents write it (azure-facts 4).
struct ServiceRefusal {
  bool (*of_service)(Service);
  std::string_view error_code;  // x-ms-error-code or the body's code; empty: by the text
  std::string_view body_text;   // empty: by the code
  std::string_view diagnosis;
  Confidence confidence;
};

bool is_vault(Service service) { return service == Service::key_vault; }
bool is_registry(Service service) {
  return service == Service::container_registry || service == Service::container_registry_data;
}
bool is_workspace(Service service) {
  return service == Service::machine_learning || service == Service::notebooks || service == Service::instance;
}

constexpr std::array refusals{
    // For an anonymous request this code means the network rule, never a missing right (azure-facts 4.1).
    ServiceRefusal{is_storage, "AuthorizationFailure", "", "storage.denied_by_firewall", Confidence::likely},
    ServiceRefusal{is_storage, "AccountRequiresHttps", "", "storage.tls_required", Confidence::proven},
    ServiceRefusal{is_storage, "AccountIsDisabled", "", "storage.account_disabled", Confidence::proven},
    ServiceRefusal{is_vault, "ForbiddenByFirewall", "", "keyvault.denied_by_firewall", Confidence::proven},
    ServiceRefusal{is_vault, "ForbiddenByConnection", "", "keyvault.denied_by_firewall", Confidence::proven},
    ServiceRefusal{is_registry, "DENIED", "client with IP", "acr.denied_by_firewall", Confidence::proven},
    ServiceRefusal{is_workspace, "", "workspace private link configuration", "aml.denied_private_link",
                   Confidence::proven},
    ServiceRefusal{is_workspace, "", "outside of the designated private link", "aml.denied_private_link",
                   Confidence::proven},
};

bool matches(const ServiceRefusal& refusal, const ServiceAnswer& answer) {
  // One implementation gives the network rule's code to what only lacks a signature, and says so.
  if (refusal.error_code == "AuthorizationFailure" && answer.body_has("failed to authenticate")) return false;
  if (answer.status < 400 || !refusal.of_service(answer.check->target.service)) return false;
  const bool code = refusal.error_code.empty() || answer.service_error_code == refusal.error_code;
  const bool text = refusal.body_text.empty() || answer.body_has(refusal.body_text);
  return code && text;
}

// "client with IP '20.1.2.3' is not allowed", "Client address: 20.1.2.3\r\n": the address that the service saw.
std::string address_in(std::string_view body) {
  for (const std::string_view before : {"client with IP '", "Client address: "}) {
    const auto at = body.find(before);
    if (at == std::string_view::npos) continue;
    const auto from = at + before.size();
    return std::string(body.substr(from, body.find_first_not_of("0123456789abcdefABCDEF.:", from) - from));
  }
  return {};
}

std::string resource_of(const Check& check) { return check.target.host.substr(0, check.target.host.find('.')); }

// The refusal of a public address whose name has an endpoint: perhaps it is the endpoint that ought to have been used.
void mention_the_endpoint(const Check& check, Finding& finding) {
  const auto view = view_dns(check);
  const auto* used = is_about_its_target(check) ? view.in_use() : nullptr;
  if (!used || used->kind != AnswerKind::public_address) return;
  for (const auto& answer : view.servers) {
    const auto name = answer.privatelink_name();
    if (name.empty()) continue;
    finding.evidence.push_back(answer.telling.says(answer.words()));
    add_once(finding.alternatives,
             fmt::format("it has a private endpoint, and this node's DNS does not see the zone {} "
                         "(private_endpoint.zone_not_linked): see what 168.63.129.16 answers for {}",
                         zone_of(name), check.target.host));
    return;
  }
}

std::vector<Finding> refused(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    for (const auto& refusal : refusals) {
      if (!matches(refusal, answer)) continue;
      // One account's firewall refuses all of its services: one diagnosis.
      Finding finding{.code = std::string(refusal.diagnosis),
                      .subject = resource_of(*answer.check),
                      .confidence = refusal.confidence};
      finding.checks = {answer.check->id};
      const std::string code = answer.service_error_code ? " " + *answer.service_error_code : "";
      finding.evidence = {answer.says(fmt::format("{} itself answered {}{} to an anonymous request",
                                                  answer.check->target.host, answer.status, code))};
      const auto address = address_in(answer.body);
      if (!address.empty()) finding.evidence.push_back(answer.says("it saw the address " + address));
      finding.values = {{"status", std::to_string(answer.status)},
                        {"account", finding.subject},
                        {"vault", finding.subject},
                        {"registry", finding.subject}};
      if (!address.empty()) finding.values.emplace_back("egress_address", address);
      mention_the_endpoint(*answer.check, finding);
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> service_rules() {
  static constexpr std::array rules{NamedRule{"service.refused", refused}};
  return rules;
}

}  // namespace vnetprobe
