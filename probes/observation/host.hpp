#pragma once

#include "probes/observation/endpoint.hpp"
#include "probes/observation/rare.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// What the node says about itself, read without privileges and without a packet. Every fact names its source file or
// call.
namespace vnetprobe {

enum class HostFailure { not_readable, malformed, not_found };
BOOST_DESCRIBE_ENUM(HostFailure, not_readable, malformed, not_found)

struct OsFacts {
  std::string id;  // os-release ID: "ubuntu"
  std::string version;
  std::string pretty_name;
  std::string kernel;
  std::string hostname;
  std::string
      container;  // "" on a machine; "docker", "kubernetes", "podman", "lxc", ... with the sign in `container_sign`
  std::string container_sign;
  std::string chassis_asset_tag;  // 7783-7084-3265-9085-8269-3286-77 on Azure
  unsigned uid{};
};
BOOST_DESCRIBE_STRUCT(OsFacts, (),
                      (id, version, pretty_name, kernel, hostname, container, container_sign, chassis_asset_tag, uid))

struct ClockFacts {
  std::chrono::sys_seconds now{};
  bool synchronised{};  // adjtimex: not STA_UNSYNC
  std::optional<std::chrono::microseconds> maximum_error;
  std::string source;  // /sys clocksource
};
BOOST_DESCRIBE_STRUCT(ClockFacts, (), (now, synchronised, maximum_error, source))

struct CaStoreFacts {
  std::string path;  // file or directory used as the system store
  int certificates{};
  int expired{};
  std::vector<std::string> user_files;  // --ca-file, tls.ca_files
  int user_certificates{};
};
BOOST_DESCRIBE_STRUCT(CaStoreFacts, (), (path, certificates, expired, user_files, user_certificates))

struct DiskFacts {
  std::string path;
  std::uint64_t bytes_total{}, bytes_available{};
  std::uint64_t inodes_total{}, inodes_available{};
};
BOOST_DESCRIBE_STRUCT(DiskFacts, (), (path, bytes_total, bytes_available, inodes_total, inodes_available))

// The kernel's counters whose limits look like a network's fault from outside. Absent: not to be read here.
struct KernelFacts {
  std::optional<std::uint64_t> connections_tracked, connections_tracked_at_most;  // nf_conntrack_count, _max
  std::optional<std::uint64_t> files_open, files_open_at_most;                    // /proc/sys/fs/file-nr
  std::optional<std::uint64_t> oom_kills;                                         // since boot, /proc/vmstat
  std::optional<std::uint64_t> cpu_pressure;  // percent of the last minute in which a program waited for a processor
};
BOOST_DESCRIBE_STRUCT(KernelFacts, (),
                      (connections_tracked, connections_tracked_at_most, files_open, files_open_at_most, oom_kills,
                       cpu_pressure))

// A service that Azure's platform manages this node by.
struct AgentFacts {
  std::string unit;             // "walinuxagent.service"
  std::string enabled_by;       // the link that starts it at boot
  std::optional<bool> running;  // absent: other users' processes are hidden
  // What systemd counts; absent: systemctl did not say.
  std::optional<std::uint64_t> restarts;         // by systemd itself, after the service had ended
  std::optional<std::uint64_t> running_seconds;  // since the last start
};
BOOST_DESCRIBE_STRUCT(AgentFacts, (), (unit, enabled_by, running, restarts, running_seconds))
struct AzureAgents {
  std::vector<AgentFacts> units;
};
BOOST_DESCRIBE_STRUCT(AzureAgents, (), (units))

struct InterfaceFacts {
  std::string name;
  bool up{};         // IFF_UP and operstate not "down"
  std::string kind;  // "loopback", "ethernet", "bridge", "veth", "tun", "wireguard", "ppp", "other"
  int mtu{};
  std::vector<std::string> addresses;  // CIDR
};
BOOST_DESCRIBE_STRUCT(InterfaceFacts, (), (name, up, kind, mtu, addresses))

struct RouteFacts {
  std::string destination;  // CIDR; "0.0.0.0/0" and "::/0" are the default routes
  std::string type;         // "unicast", "blackhole", "unreachable", "prohibit", "local"...
  std::string gateway;      // "" when on link
  std::string interface;
  unsigned metric{};
  unsigned table{};
};
BOOST_DESCRIBE_STRUCT(RouteFacts, (), (destination, type, gateway, interface, metric, table))

// The node's idea of how to resolve names.
struct ResolverConfig {
  struct Server {
    Endpoint endpoint;
    std::string source;  // "/etc/resolv.conf:3", "/run/systemd/resolve/resolv.conf:1", "--resolver"
    bool stub{};         // a local forwarder (127.0.0.53); its upstreams follow where they are known
  };
  std::vector<Server> servers;
  std::vector<std::string> search;
  std::vector<std::string> options;
  bool stub_running{true};  // false: resolv.conf names 127.0.0.53 and nothing listens there
};
BOOST_DESCRIBE_STRUCT(ResolverConfig::Server, (), (endpoint, source, stub))
BOOST_DESCRIBE_STRUCT(ResolverConfig, (), (servers, search, options, stub_running))

// One proxy variable in one place; credentials removed from `value`.
struct ProxySetting {
  std::string variable;  // lower case: "http_proxy", "https_proxy", "no_proxy", "all_proxy"
  std::string value;
  std::string source;  // "process", "/etc/environment:4", "/etc/systemd/system.conf.d/x.conf:2", "/home/u/.bashrc:12"
  bool has_credentials{};
};
BOOST_DESCRIBE_STRUCT(ProxySetting, (), (variable, value, source, has_credentials))

struct Listener {
  Endpoint endpoint;
  int established{};               // connections on that local port
  int syn_received{};              // half-open ones
  std::vector<std::string> peers;  // addresses of established ones, bounded
};
BOOST_DESCRIBE_STRUCT(Listener, (), (endpoint, established, syn_received, peers))

// What the node's own packet filter does to a new TCP connection with another machine.
enum class FilterRuling { accepts, drops, rejects, unknown };  // unknown: a rule that decides it is not understood here
BOOST_DESCRIBE_ENUM(FilterRuling, accepts, drops, rejects, unknown)
struct FilterVerdict {
  FilterRuling ruling{};
  std::string rule;  // the rule or policy that decides, as "inet filter input handle 7"; empty: no rule is in the way
};
BOOST_DESCRIBE_STRUCT(FilterVerdict, (), (ruling, rule))

enum class HostTopic {
  os,
  clock,
  ca_store,
  disk,
  interfaces,
  routes,
  resolvers,
  proxies,
  docker_bridge,
  listeners,
  kernel,
  agents,
  input_filter,
  output_filter
};
BOOST_DESCRIBE_ENUM(HostTopic, os, clock, ca_store, disk, interfaces, routes, resolvers, proxies, docker_bridge,
                    listeners, kernel, agents, input_filter, output_filter)

// One topic of the node; the member of that name is set unless `error` is.
struct HostObservation {
  HostTopic topic{};
  std::chrono::microseconds duration{};
  std::optional<HostFailure> error;
  std::optional<std::string> detail;
  Rare<OsFacts> os;
  Rare<ClockFacts> clock;
  Rare<CaStoreFacts> ca_store;
  std::vector<DiskFacts> disks;
  std::vector<InterfaceFacts> interfaces;
  std::vector<RouteFacts> routes;
  Rare<ResolverConfig> resolvers;
  std::vector<ProxySetting> proxies;
  std::vector<Listener> listeners;
  Rare<KernelFacts> kernel;
  Rare<AzureAgents> agents;
  Rare<FilterVerdict> input_filter, output_filter;
};
BOOST_DESCRIBE_STRUCT(HostObservation, (),
                      (topic, duration, error, detail, os, clock, ca_store, disks, interfaces, routes, resolvers,
                       proxies, listeners, kernel, agents, input_filter, output_filter))

}  // namespace vnetprobe
