#include "reports/diagnosis/icmp.hpp"

#include "reports/diagnosis/addresses.hpp"

namespace vnetprobe {

bool rejects(const IcmpError& icmp, bool v6) {
  if (v6) return icmp.type == 1 && (icmp.code == 1 || icmp.code == 4 || icmp.code == 5 || icmp.code == 6);
  return icmp.type == 3 && (icmp.code == 3 || icmp.code == 9 || icmp.code == 10 || icmp.code == 13);
}

Rejecter who_rejects(const IcmpError& icmp, const std::string& remote) {
  if (icmp.offender.empty() || !rejects(icmp, is_v6(remote))) return Rejecter::nobody;
  if (icmp.offender == remote) return Rejecter::target;
  return icmp.offender_is_self ? Rejecter::this_node : Rejecter::device;
}

bool says_no_route(const IcmpError& icmp, bool v6) {
  if (v6) return (icmp.type == 1 && (icmp.code == 0 || icmp.code == 3)) || (icmp.type == 3 && icmp.code == 0);
  if (icmp.type == 11) return icmp.code == 0;
  return icmp.type == 3 && (icmp.code == 0 || icmp.code == 1 || icmp.code == 5 || icmp.code == 6 || icmp.code == 7 ||
                            icmp.code == 11 || icmp.code == 12);
}

bool misses_the_host(const IcmpError& icmp, bool v6) {
  return v6 ? icmp.type == 1 && icmp.code == 3 : icmp.type == 3 && icmp.code == 1;
}

}  // namespace vnetprobe
