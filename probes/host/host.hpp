#pragma once

#include "probes/observation/dns.hpp"
#include "probes/observation/host.hpp"

#include <filesystem>

// Reads of the node itself: each returns one topic, complete or with `error`, and never throws. `root` is "/" except in
// tests; what the kernel says by system call (addresses, routes, clock, uid) cannot be redirected.
namespace vnetprobe {

HostObservation observe_os(const std::filesystem::path& root = "/");
HostObservation observe_clock(const std::filesystem::path& root = "/");
HostObservation observe_ca_store(const std::vector<std::string>& user_files, const std::filesystem::path& root = "/");
HostObservation observe_disks(const std::vector<std::string>& paths);
HostObservation observe_kernel(const std::filesystem::path& root = "/");
// Azure's agents that systemd is to start, and whether a process of theirs runs. In a container there are none.
HostObservation observe_agents(const std::filesystem::path& root = "/");
HostObservation observe_interfaces();
HostObservation observe_routes();  // rtnetlink dump, IPv4 and IPv6, without the local table's entries
HostObservation observe_proxies(const std::filesystem::path& root = "/");

// /etc/resolv.conf; where it names systemd-resolved's stub, its upstreams from /run/systemd/resolve/resolv.conf follow.
HostObservation observe_resolvers(const std::filesystem::path& root = "/");

// Lines of the hosts file that name `name` (case-insensitive, whole name).
std::vector<HostsLine> hosts_lines_for(const std::string& name, const std::filesystem::path& root = "/");

}  // namespace vnetprobe
