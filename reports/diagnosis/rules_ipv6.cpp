#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;

// A virtual network without IPv6 is normal. Only a target that has nothing but IPv6 addresses fails for it.
std::vector<Finding> ipv6_is_not_configured(const Evidenced& evidence) {
  if (has_global_v6(evidence.report)) return {};
  Finding note{.code = "ipv6.unconfigured", .subject = "IPv6", .confidence = Confidence::proven, .only_informs = true};
  Finding fault = note;
  fault.only_informs = false;
  for (const auto* check : evidence.open) {
    const auto tried = cited<TcpObservation>(*check);
    const auto v6 = std::find_if(tried.begin(), tried.end(), [](const Tcp& tcp) {
      return is_v6(tcp->remote.address) && !is_loopback(tcp->remote.address) && !tcp->icmp &&
             (tcp->error == TcpFailure::network_unreachable || tcp->error == TcpFailure::no_local_address);
    });
    if (v6 == tried.end()) continue;
    const bool only_v6 = std::all_of(tried.begin(), tried.end(),
                                     [](const Tcp& tcp) { return is_v6(tcp->remote.address) && tcp->error; });
    auto& finding = only_v6 ? fault : note;
    finding.checks.push_back(check->id);
    if (finding.evidence.size() < 3)
      finding.evidence.push_back(
          v6->says((*v6)->remote.address + " has no route, and the node has no global IPv6 address"));
  }
  if (!fault.checks.empty()) return {fault};
  return note.checks.empty() ? std::vector<Finding>{} : std::vector{note};
}

std::vector<Finding> ipv6_is_broken(const Evidenced& evidence) {
  if (!has_global_v6(evidence.report)) return {};
  Finding note{.code = "ipv6.broken", .subject = "IPv6", .confidence = Confidence::proven, .only_informs = true};
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report)))
    if (is_v6(tcp->remote.address) && !is_loopback(tcp->remote.address) && !tcp->error) return {};
  for (const auto* check : evidence.open) {
    const auto tried = cited<TcpObservation>(*check);
    const bool v4_works = std::any_of(tried.begin(), tried.end(),
                                      [](const Tcp& tcp) { return !tcp->error && !is_v6(tcp->remote.address); });
    for (const auto& tcp : tried) {
      if (!v4_works || !is_v6(tcp->remote.address) || !tcp->error) continue;
      note.checks.push_back(check->id);
      if (note.evidence.size() < 3) note.evidence.push_back(tcp.says(tcp->remote.address + " fails while IPv4 works"));
      break;
    }
  }
  return note.checks.empty() ? std::vector<Finding>{} : std::vector{note};
}

}  // namespace

std::span<const NamedRule> ipv6_rules() {
  static constexpr std::array rules{
      NamedRule{"IPv6 is not configured", ipv6_is_not_configured},
      NamedRule{"IPv6 is broken", ipv6_is_broken},
  };
  return rules;
}

}  // namespace vnetprobe
