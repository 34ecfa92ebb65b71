#pragma once

#include "probes/observation/icmp.hpp"

// What an ICMP error says of its sender (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1). `v6`: of the destination's family.
namespace vnetprobe {

// Port unreachable and the prohibitions: somebody's rule.
bool rejects(const IcmpError& icmp, bool v6);
// Whose rule it is that rejects what is sent to `remote`. A target on this node itself speaks for itself.
enum class Rejecter { nobody, this_node, device, target };
Rejecter who_rejects(const IcmpError& icmp, const std::string& remote);

// The packets cannot be delivered from there, or go round in circles until their time is up, which is no route either.
bool says_no_route(const IcmpError& icmp, bool v6);
// Of these, the word about the host alone.
bool misses_the_host(const IcmpError& icmp, bool v6);

}  // namespace vnetprobe
