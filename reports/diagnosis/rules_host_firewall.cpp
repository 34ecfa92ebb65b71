#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

bool is_refused_by_the_kernel(const UdpObservation& udp) {
  return udp.error == UdpFailure::not_permitted && udp.errno_name == "EPERM";
}

// Datagrams that were sent to targets whose TCP works, as a control: a node that may send none at all is not silent
// over TCP for that. Absent: nobody tried.
std::optional<bool> control_datagram_passes(const Report& report) {
  for (const auto& check : report.checks)
    if (connected(check))
      for (const auto& udp : cited<UdpObservation>(check, Part::experiments)) return !is_refused_by_the_kernel(*udp);
  return std::nullopt;
}

// The kernel itself refuses to send: EPERM at once, SYNs that never left the node, or a datagram to the silent target
// that comes back with EPERM. The datagram only stands for SYNs of which nothing better is known.
std::optional<Evidence> refusal_to_send(const Check& check, const Report& report) {
  bool left = false;
  for (const auto& tcp : attempts(check, report)) {
    if (tcp->errno_name == "EPERM")
      return tcp.says(fmt::format("{}: EPERM, the kernel refuses to send", to_string(tcp->remote)));
    if (tcp->send_refused)
      return tcp.says(fmt::format("{}: {} repeated SYNs were due and none left the node", to_string(tcp->remote),
                                  tcp->retransmissions));
    left = left || tcp->retransmissions > 0;
  }
  if (left || !control_datagram_passes(report).value_or(true)) return std::nullopt;
  for (const auto& udp : cited<UdpObservation>(check, Part::experiments))
    if (is_refused_by_the_kernel(*udp))
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
    const bool by_datagram = says->says.starts_with("a datagram");
    const bool certain = by_datagram ? control_datagram_passes(evidence.report).has_value()
                                     : says->says.find("EPERM") != std::string::npos;
    if (certain) finding.confidence = Confidence::proven;
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
