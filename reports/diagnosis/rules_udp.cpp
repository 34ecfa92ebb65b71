#include "reports/diagnosis/cited.hpp"

#include <array>

namespace vnetprobe {
namespace {

// A datagram proves nothing by silence, and something by an error.
std::vector<Finding> udp_fails(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& udp : cited<UdpObservation>(evidence.open)) {
    if (!udp->error || udp->answered) continue;
    const bool forbidden = udp->error == UdpFailure::not_permitted || (udp->icmp && udp->icmp->offender_is_self);
    const bool rejected = udp->icmp && !udp->icmp->offender_is_self;
    if (!forbidden && !rejected && udp->error != UdpFailure::refused) continue;
    const auto subject = endpoint_of(*udp.check).empty() ? to_string(udp->remote) : endpoint_of(*udp.check);
    findings.push_back(
        {.code = forbidden ? "udp.blocked_local" : "udp.rejected",
         .subject = subject,
         .confidence = forbidden ? Confidence::proven : Confidence::likely,
         .checks = {udp.check->id},
         .evidence = {udp.says(fmt::format("{}: {}{}", to_string(udp->remote), udp->errno_name.value_or("refused"),
                                           udp->icmp ? " by ICMP from " + udp->icmp->offender : std::string{}))},
         .values = {{"address", udp->remote.address}},
         .warns = refused_by_its_host(*udp)});
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> udp_rules() {
  static constexpr std::array rules{NamedRule{"UDP fails", udp_fails}};
  return rules;
}

}  // namespace vnetprobe
