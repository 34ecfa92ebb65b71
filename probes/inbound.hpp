#pragma once

#include "probes/observation/host.hpp"

#include <filesystem>

namespace vnetprobe {

// Sockets bound to one of `ports`, with their connections, from /proc/net/tcp and tcp6 under `root`.
HostObservation observe_listeners(const std::vector<std::uint16_t>& ports, const std::filesystem::path& root = "/");

}  // namespace vnetprobe
