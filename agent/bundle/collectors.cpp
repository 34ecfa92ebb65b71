#include "agent/bundle/collectors.hpp"

#include <array>

namespace vnetprobe::bundle {
namespace {

using enum Source;

// What a support engineer asks for first on a node with a network case. `{since}` is replaced by --since.
constexpr std::array table{
    // The name resolution that programs use.
    Collector{"resolver/resolv.conf", file, "/etc/resolv.conf"},
    Collector{"resolver/resolved.conf", file, "/run/systemd/resolve/resolv.conf"},
    Collector{"resolver/resolved-settings.conf", file, "/etc/systemd/resolved.conf"},
    Collector{"resolver/resolvectl", command, "resolvectl status --no-pager"},
    Collector{"resolver/nsswitch.conf", file, "/etc/nsswitch.conf"},
    Collector{"resolver/gai.conf", file, "/etc/gai.conf"},
    Collector{"resolver/hosts", file, "/etc/hosts"},
    Collector{"resolver/netplan", file, "/etc/netplan/*.yaml", false, true},
    Collector{"resolver/leases", file, "/run/systemd/netif/leases/*"},
    // Addresses, routes, sockets.
    Collector{"net/addresses", command, "ip -details -statistics address"},
    Collector{"net/routes4", command, "ip -4 -details route show table all"},
    Collector{"net/routes6", command, "ip -6 -details route show table all"},
    Collector{"net/rules4", command, "ip -4 rule"},
    Collector{"net/rules6", command, "ip -6 rule"},
    Collector{"net/neighbours", command, "ip -statistics neighbour"},
    Collector{"net/sockets", command, "ss --no-header --all --tcp --udp --numeric --extended"},
    Collector{"net/socket-summary", command, "ss --summary"},
    Collector{"net/snmp", file, "/proc/net/snmp"},
    Collector{"net/netstat", file, "/proc/net/netstat"},
    Collector{"net/sockstat", file, "/proc/net/sockstat"},
    Collector{"net/dev", file, "/proc/net/dev"},
    Collector{"net/sysctl", command, "sysctl -a --pattern ^net.(core|ipv4|ipv6|netfilter)"},
    // The node's own firewall.
    Collector{"firewall/nftables", command, "nft list ruleset", false, true},
    Collector{"firewall/iptables4", command, "iptables-save", false, true},
    Collector{"firewall/iptables6", command, "ip6tables-save", false, true},
    Collector{"firewall/ufw", command, "ufw status verbose", false, true},
    Collector{"firewall/conntrack-count", file, "/proc/sys/net/netfilter/nf_conntrack_count"},
    Collector{"firewall/conntrack-max", file, "/proc/sys/net/netfilter/nf_conntrack_max"},
    // Proxy settings and trust.
    Collector{"environment/agent", own, "environment"},
    Collector{"environment/etc-environment", file, "/etc/environment"},
    Collector{"environment/systemd", file, "/etc/systemd/system.conf.d/*.conf"},
    Collector{"environment/apt-proxy", file, "/etc/apt/apt.conf.d/*"},
    Collector{"environment/docker-proxy", file, "/etc/systemd/system/docker.service.d/*.conf"},
    Collector{"environment/docker-daemon", file, "/etc/docker/daemon.json"},
    Collector{"tls/ca-store", own, "ca-store"},
    // The node.
    Collector{"node/os-release", file, "/etc/os-release"},
    Collector{"node/kernel", command, "uname -a"},
    Collector{"node/uptime", file, "/proc/uptime"},
    Collector{"node/memory", file, "/proc/meminfo"},
    Collector{"node/disk", command, "df -h"},
    Collector{"node/inodes", command, "df -i"},
    Collector{"node/mounts", file, "/proc/self/mounts"},
    Collector{"node/fstab", file, "/etc/fstab"},
    Collector{"node/pressure-cpu", file, "/proc/pressure/cpu"},
    Collector{"node/pressure-memory", file, "/proc/pressure/memory"},
    Collector{"node/processes", command, "ps -eo pid,ppid,user,stat,etimes,rss,comm,args --sort=-rss"},
    Collector{"node/clock", command, "timedatectl show --no-pager"},
    Collector{"node/chrony", command, "chronyc -n tracking"},
    Collector{"node/units-failed", command, "systemctl list-units --failed --no-pager --plain"},
    // Azure's agents and AML's services.
    Collector{"azure/nbvm", file, "/mnt/azmnt/.nbvm"},
    Collector{"azure/waagent.conf", file, "/etc/waagent.conf"},
    Collector{"azure/waagent.log", file, "/var/log/waagent.log", true, true},
    Collector{"azure/extensions", file, "/var/log/azure/*/*.log", true, true},
    Collector{"azure/batch-agent", file, "/mnt/batch/tasks/workitems/*.log", true, true},
    Collector{"azure/batch-startup", file, "/mnt/batch/tasks/startup/*.txt", true, true},
    Collector{"azure/cloud-init", file, "/var/log/cloud-init-output.log", true, true},
    Collector{"logs/kernel", command, "journalctl --dmesg --no-pager --since {since} --lines 2000", true, true},
    Collector{"logs/agent", command, "journalctl --unit vnetprobe --no-pager --since {since} --lines 2000", true},
    Collector{"logs/resolved", command, "journalctl --unit systemd-resolved --no-pager --since {since} --lines 1000",
              true},
    Collector{"logs/networkd", command, "journalctl --unit systemd-networkd --no-pager --since {since} --lines 1000",
              true},
    Collector{"logs/waagent", command, "journalctl --unit walinuxagent --no-pager --since {since} --lines 2000", true},
    Collector{"logs/jupyter", command, "journalctl --unit jupyter --no-pager --since {since} --lines 2000", true},
    Collector{"logs/docker", command, "journalctl --unit docker --no-pager --since {since} --lines 1000", true},
};

}  // namespace

std::span<const Collector> collectors() { return table; }

}  // namespace vnetprobe::bundle
