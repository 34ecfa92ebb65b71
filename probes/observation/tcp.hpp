#pragma once

#include "probes/observation/endpoint.hpp"
#include "probes/observation/icmp.hpp"
#include "probes/observation/rare.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace vnetprobe {

enum class TcpFailure {
  timed_out,            // SYNs unanswered within the limit
  refused,              // ECONNREFUSED: a reset, or ICMP port unreachable (then `icmp` is set)
  host_unreachable,     // EHOSTUNREACH
  network_unreachable,  // ENETUNREACH
  not_permitted,        // EACCES or EPERM: prohibit route, local firewall
  invalid_route,        // EINVAL: blackhole route
  no_local_address,     // EADDRNOTAVAIL: ephemeral ports used up, or no address of that family
  reset,                // ECONNRESET
  other,                // see `errno_name`
};
BOOST_DESCRIBE_ENUM(TcpFailure, timed_out, refused, host_unreachable, network_unreachable, not_permitted, invalid_route,
                    no_local_address, reset, other)

// The gateway's entry in the neighbour table after a failure (readable without rights).
struct NeighbourEntry {
  std::string gateway;
  std::string interface;
  std::string state;  // "REACHABLE", "STALE", "INCOMPLETE", "FAILED", ...
};
BOOST_DESCRIBE_STRUCT(NeighbourEntry, (), (gateway, interface, state))

// What the kernel's route look-up (RTM_GETROUTE) says for one destination.
struct RouteLookup {
  std::string type;  // "unicast", "local", "blackhole", "unreachable", "prohibit", "none" (no matching route)
  std::optional<std::string> gateway;
  std::optional<std::string> interface;
  std::optional<std::string> source;
  std::optional<unsigned> table;  // RT_TABLE_*: 254 is main; another one was chosen by a policy rule
  int error{};                    // errno of the look-up, 0 when a route was found
};
BOOST_DESCRIBE_STRUCT(RouteLookup, (), (type, gateway, interface, source, table, error))

// What one TCP connection attempt showed. Facts only; reports/diagnosis judges.
struct TcpObservation {
  Endpoint remote;                       // where the SYN went
  Rare<std::string> instead_of;          // --connect-to was in force: the endpoint that it replaced
  std::optional<Endpoint> local;         // absent: never bound to an address
  std::optional<std::string> interface;  // of the local address
  std::chrono::microseconds duration{};
  std::optional<TcpFailure> error;               // absent: connected
  std::optional<std::string> errno_name;         // "ECONNREFUSED"
  Rare<IcmpError> icmp;                          // who refused
  std::optional<std::chrono::microseconds> rtt;  // TCP_INFO
  int retransmissions{};                         // TCP_INFO tcpi_total_retrans: SYNs (or data) sent again
  // SYNs were due again and none of them left the node: the kernel's own filter refused to send (measured: tcpi_retrans
  // stays 0 beside a growing tcpi_total_retrans; a drop elsewhere leaves it at 1).
  bool send_refused{};
  int mss{};                       // TCP_INFO tcpi_snd_mss
  std::optional<int> mss_after;    // the same once the exchange was over, where path-MTU discovery had made it smaller
  std::optional<int> mss_limit;    // an experiment: no segment larger than this, in either direction
  Rare<RouteLookup> route;         // looked up after a failure
  Rare<NeighbourEntry> neighbour;  // looked up after a failure
  std::optional<int> sockets_beside;  // an experiment: this node's other TCP sockets with the same remote end
};
BOOST_DESCRIBE_STRUCT(TcpObservation, (),
                      (remote, instead_of, local, interface, duration, error, errno_name, icmp, rtt, retransmissions,
                       send_refused, mss, mss_after, mss_limit, route, neighbour, sockets_beside))

}  // namespace vnetprobe
