#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>

// What answers at addresses where nothing can live (RFC 5737): 192.0.2.1 and 192.0.2.53.
namespace vnetprobe {
namespace {

constexpr std::string_view nowhere = "192.0.2.0/24";

std::optional<Cited<DnsObservation>> answer_from_nowhere(const Report& report) {
  for (const auto& dns : cited<DnsObservation>(all_checks(report), Part::experiments))
    if (dns->server && in_prefix(dns->server->address, nowhere) && dns->rcode) return dns;
  return std::nullopt;
}

// The interceptor's own answers may be right: then this is a note. Where names fail or lead astray it is the cause.
std::vector<Finding> dns_is_intercepted(const Evidenced& evidence) {
  const auto control = answer_from_nowhere(evidence.report);
  if (!control) return {};
  Finding finding{.code = "dns.resolver.intercepted",
                  .subject = "port 53",
                  .confidence = Confidence::proven,
                  .evidence = {control->says("192.0.2.53, where no server can be, answered " + *(*control)->rcode)}};
  for (const auto* check : evidence.open) {
    if (!is_about_its_target(*check) || check->target.guessed) continue;
    const auto view = view_dns(*check);
    const auto* used = view.in_use();
    if (!used || !used->spoke()) continue;
    const bool astray = ends_at_dns(*check) ||
                        (check->target.private_endpoint && used->kind == AnswerKind::public_address) ||
                        (used->has_address() && std::all_of(used->addresses.begin(), used->addresses.end(), is_bogon));
    if (!astray) continue;
    finding.checks.push_back(check->id);
    finding.evidence.push_back(used->telling.says(used->words()));
  }
  if (finding.checks.empty()) {
    finding.checks = {control->check->id};
    finding.only_informs = true;
  }
  return {finding};
}

std::vector<Finding> tcp_is_answered_for_others(const Evidenced& evidence) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report), Part::experiments)) {
    if (tcp->error || !in_prefix(meant_address(tcp), nowhere)) continue;
    return {{.code = "tcp.middlebox_terminates",
             .subject = "the path",
             .confidence = Confidence::proven,
             .checks = {tcp.check->id},
             .evidence = {tcp.says("a connection to 192.0.2.1, where nothing can be, succeeds")},
             .only_informs = true}};
  }
  return {};
}

constexpr std::array dns{NamedRule{"DNS is intercepted", dns_is_intercepted}};
constexpr std::array tcp{NamedRule{"TCP is answered for others", tcp_is_answered_for_others}};

}  // namespace

std::span<const NamedRule> dns_control_rules() { return dns; }
std::span<const NamedRule> tcp_control_rules() { return tcp; }

}  // namespace vnetprobe
