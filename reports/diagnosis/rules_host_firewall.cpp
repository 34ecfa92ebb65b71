#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

// The kernel itself refuses to send: EPERM at once, SYNs that never left the node, or a datagram to the silent target
// that comes back with EPERM.
std::optional<Evidence> refusal_to_send(const Check& check, const Report& report) {
  for (const auto& tcp : attempts(check, report)) {
    if (tcp->errno_name == "EPERM")
      return tcp.says(fmt::format("{}: EPERM, the kernel refuses to send", to_string(tcp->remote)));
    if (tcp->send_refused)
      return tcp.says(fmt::format("{}: {} repeated SYNs were due and none left the node", to_string(tcp->remote),
                                  tcp->retransmissions));
  }
  for (const auto& udp : cited<UdpObservation>(check, Part::experiments))
    if (udp->error == UdpFailure::not_permitted && udp->errno_name == "EPERM")
      return udp.says(fmt::format("a datagram to {}: EPERM, the kernel refuses to send", to_string(udp->remote)));
  return std::nullopt;
}

// One rule set of this node, however many targets it hits.
std::vector<Finding> output_is_dropped(const Evidenced& evidence) {
  Finding finding{.code = "host.firewall.output_drop", .confidence = Confidence::likely};
  std::vector<std::string> targets;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    auto says = refusal_to_send(*check, evidence.report);
    if (!says) continue;
    if (says->says.find("EPERM") != std::string::npos) finding.confidence = Confidence::proven;
    add_once(targets, endpoint_of(*check));
    finding.checks.push_back(check->id);
    finding.evidence.push_back(std::move(*says));
  }
  if (targets.empty()) return {};
  finding.subject = words(targets);
  return {finding};
}

}  // namespace

std::span<const NamedRule> host_firewall_rules() {
  static constexpr std::array rules{NamedRule{"output is dropped", output_is_dropped, About::way}};
  return rules;
}

}  // namespace vnetprobe
