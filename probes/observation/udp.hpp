#pragma once

#include "probes/observation/tcp.hpp"

namespace vnetprobe {

enum class UdpFailure {
  not_permitted,        // EPERM/EACCES at send: local firewall or prohibit route
  refused,              // ICMP port unreachable
  host_unreachable,     // EHOSTUNREACH
  network_unreachable,  // ENETUNREACH
  invalid_route,        // EINVAL
  other,
};
BOOST_DESCRIBE_ENUM(UdpFailure, not_permitted, refused, host_unreachable, network_unreachable, invalid_route, other)

// A datagram to a port whose protocol is unknown: silence proves nothing, an error disproves (azure-facts 10).
struct UdpObservation {
  Endpoint remote;
  std::optional<std::string> instead_of;
  std::chrono::microseconds duration{};
  std::optional<UdpFailure> error;
  std::optional<std::string> errno_name;
  std::optional<IcmpError> icmp;
  bool answered{};  // a datagram came back
};
BOOST_DESCRIBE_STRUCT(UdpObservation, (), (remote, instead_of, duration, error, errno_name, icmp, answered))

}  // namespace vnetprobe
