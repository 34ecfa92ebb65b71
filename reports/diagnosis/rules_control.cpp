#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>

// What answers at addresses where nothing can live (RFC 5737): 192.0.2.1 and 192.0.2.53.
namespace vnetprobe {
namespace {

constexpr std::string_view nowhere = "192.0.2.0/24";

// Names that Microsoft keeps for everybody: they exist, whatever becomes of the user's own resources.
bool exists_for_certain(const Check& check) {
  switch (check.target.service) {
    case Service::entra:
    case Service::resource_manager:
    case Service::microsoft_registry:
    case Service::front_door:
    case Service::monitor:
      return true;
    default:
      return false;
  }
}

// Not one name of the run leads anywhere, and the question to nowhere did not either.
bool nothing_resolves(const Report& report, const DnsObservation& control) {
  return control.addresses.empty() && std::ranges::none_of(report.checks, [](const Check& check) {
           return is_about_its_target(check) && resolved(check);
         });
}

// "No such name" may be true, whoever says it: it counts against the interceptor where something knows better, or where
// it knows no name at all.
bool is_led_astray(const DnsView& view, const Answer& used, bool no_name_is_known) {
  const Check& check = *view.check;
  if (used.has_address())
    return (check.target.private_endpoint && used.kind == AnswerKind::public_address) ||
           std::ranges::all_of(used.addresses, is_bogon);
  const bool may_be_true = used.exists_not() || used.kind == AnswerKind::nodata;
  const bool known_elsewhere = view.azure && view.azure->has_address();
  return ends_at_dns(check) && (!may_be_true || known_elsewhere || exists_for_certain(check) || no_name_is_known);
}

// The interceptor's own answers may be right: then this is a note. Where names fail or lead astray it is the cause.
std::vector<Finding> dns_is_intercepted(const Evidenced& evidence) {
  const auto control = answer_from_nowhere(evidence.report);
  if (!control) return {};
  Finding finding{.code = "dns.resolver.intercepted",
                  .subject = "port 53",
                  .confidence = Confidence::proven,
                  .evidence = {control->says("192.0.2.53, where no server can be, answered " + *(*control)->rcode)}};
  const bool no_name_is_known = nothing_resolves(evidence.report, **control);
  for (const auto* check : evidence.open) {
    if (!is_about_its_target(*check) || check->target.guessed) continue;
    const auto view = view_dns(*check);
    const auto* used = view.in_use();
    if (!used || !used->spoke() || !is_led_astray(view, *used, no_name_is_known)) continue;
    finding.checks.push_back(check->id);
    finding.evidence.push_back(used->telling.says(used->words()));
  }
  if (finding.checks.empty()) {
    finding.checks = {control->check->id};
    finding.only_informs = true;
  } else if (finding.checks.size() == 1 && no_name_is_known) {
    finding.confidence = Confidence::likely;
    finding.alternatives = {"there is no such name, and what answers in the servers' place is right"};
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

constexpr std::array dns_controls{NamedRule{"DNS is intercepted", dns_is_intercepted}};
constexpr std::array tcp_controls{NamedRule{"TCP is answered for others", tcp_is_answered_for_others}};

}  // namespace

std::span<const NamedRule> dns_control_rules() { return dns_controls; }
std::span<const NamedRule> tcp_control_rules() { return tcp_controls; }

}  // namespace vnetprobe
