#pragma once

#include "probes/observation/tcp.hpp"

#include <string>

// What the kernel knows of one destination, asked by rtnetlink(7) without privileges.
namespace vnetprobe {

// RTM_GETROUTE for one address. With no matching route `type` is "none" and `error` ENETUNREACH; for the special routes
// the kernel answers with an error as well, and `type` is told from it (EINVAL blackhole, EACCES prohibit, EHOSTUNREACH
// unreachable).
RouteLookup look_up_route(const std::string& address);

// The neighbour-table entry of `gateway` (or of an on-link destination) on `interface` (empty: any); absent: no entry.
std::optional<NeighbourEntry> find_neighbour(const std::string& gateway, const std::string& interface = {});

// Whether packets to `address` stay in this node: its interfaces' addresses and all of 127.0.0.0/8.
bool is_own_address(const std::string& address);

// The name of the interface that carries `address` (the zone of a link-local one decides); empty: none does.
std::string interface_of(const std::string& address);

}  // namespace vnetprobe
