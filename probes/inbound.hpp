#pragma once

#include "probes/observation/host.hpp"

#include <filesystem>

namespace vnetprobe {

// Sockets bound to one of `ports`, with their connections, from /proc/net/tcp and tcp6 under `root`.
HostObservation observe_listeners(const std::vector<std::uint16_t>& ports, const std::filesystem::path& root = "/");

// How many TCP sockets of this node have `remote` at their other end, whatever their state; absent: nobody lets us see.
std::optional<int> sockets_to(const Endpoint& remote, const std::filesystem::path& root = "/");

}  // namespace vnetprobe
