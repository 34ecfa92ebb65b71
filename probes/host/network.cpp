#include "probes/host/host.hpp"
#include "probes/host/netlink.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cstring>
#include <map>

// All by rtnetlink and nothing from /sys: a mounted /sys may be another network namespace's, or not there at all.
namespace vnetprobe {
namespace {

constexpr std::size_t interfaces_kept = 1024, addresses_kept = 64, routes_kept = 10'000;

template <class Header>
bool header_of(const nlmsghdr& message, std::uint16_t type, Header& header) {
  if (message.nlmsg_type != type || message.nlmsg_len < NLMSG_LENGTH(sizeof header)) return false;
  std::memcpy(&header, NLMSG_DATA(&message), sizeof header);
  return true;
}

unsigned number(NetlinkPayload data) {
  std::uint32_t value{};
  if (data.size() >= sizeof value) std::memcpy(&value, data.data(), sizeof value);
  return value;
}

std::string text_of(NetlinkPayload data) {
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  return printable(text.substr(0, text.find('\0')), 64);
}

std::string address_of(int family, NetlinkPayload data) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (data.size() != (family == AF_INET6 ? 16U : 4U) || !::inet_ntop(family, data.data(), text.data(), text.size()))
    return {};
  return text.data();
}

std::string kind_of(unsigned hardware, const std::string& driver) {
  if (hardware == ARPHRD_LOOPBACK) return "loopback";
  if (hardware == ARPHRD_PPP) return "ppp";
  for (const char* known : {"bridge", "veth", "tun", "wireguard"})
    if (driver == known) return driver;
  return hardware == ARPHRD_ETHER && driver.empty() ? "ethernet" : "other";
}

struct Links {
  std::map<int, InterfaceFacts> by_index;
  std::string error;
};

Links read_links() {
  Links links;
  links.error = dump_kernel_table(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr& message) {
    ifinfomsg header{};
    if (!header_of(message, RTM_NEWLINK, header) || links.by_index.size() >= interfaces_kept) return;
    InterfaceFacts facts;
    std::string driver;
    bool down = false;
    each_attribute(attributes_of(message, sizeof header), [&](unsigned type, NetlinkPayload data) {
      if (type == IFLA_IFNAME) facts.name = text_of(data);
      if (type == IFLA_MTU) facts.mtu = static_cast<int>(number(data));
      if (type == IFLA_OPERSTATE && !data.empty()) down = data[0] == IF_OPER_DOWN || data[0] == IF_OPER_LOWERLAYERDOWN;
      if (type != IFLA_LINKINFO) return;
      each_attribute(data, [&](unsigned nested, NetlinkPayload value) {
        if (nested == IFLA_INFO_KIND) driver = text_of(value);
      });
    });
    facts.up = (header.ifi_flags & IFF_UP) != 0 && !down;
    facts.kind = kind_of(header.ifi_type, driver);
    links.by_index.emplace(header.ifi_index, std::move(facts));
  });
  return links;
}

std::string type_name(unsigned type) {
  constexpr std::array names{"unspecified", "unicast",     "local",    "broadcast", "anycast", "multicast",
                             "blackhole",   "unreachable", "prohibit", "throw",     "nat"};
  return type < names.size() ? names[type] : fmt::format("type {}", type);
}

std::string interface_name(const Links& links, unsigned index) {
  const auto link = links.by_index.find(static_cast<int>(index));
  return link == links.by_index.end() ? "" : link->second.name;
}

// RTA_VIA: an IPv4 route through an IPv6 gateway, with the family in front.
std::string via_address(NetlinkPayload data) {
  std::uint16_t family{};
  if (data.size() < sizeof family) return {};
  std::memcpy(&family, data.data(), sizeof family);
  return address_of(family, data.subspan(sizeof family));
}

// One route for each next hop.
void add_hops(const RouteFacts& route, int family, NetlinkPayload hops, const Links& links, HostObservation& seen) {
  while (hops.size() >= sizeof(rtnexthop)) {
    rtnexthop hop{};
    std::memcpy(&hop, hops.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.size() || seen.routes.size() >= routes_kept) return;
    RouteFacts one = route;
    one.interface = interface_name(links, static_cast<unsigned>(hop.rtnh_ifindex));
    each_attribute(hops.subspan(sizeof hop, hop.rtnh_len - sizeof hop), [&](unsigned type, NetlinkPayload data) {
      if (type == RTA_GATEWAY) one.gateway = address_of(family, data);
      if (type == RTA_VIA) one.gateway = via_address(data);
    });
    seen.routes.push_back(std::move(one));
    hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), hops.size()));
  }
}

void add_route(const nlmsghdr& message, const Links& links, HostObservation& seen) {
  rtmsg header{};
  if (!header_of(message, RTM_NEWROUTE, header) || (header.rtm_flags & RTM_F_CLONED) != 0) return;
  if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) return;
  const int family = header.rtm_family;
  RouteFacts route{.type = type_name(header.rtm_type), .table = header.rtm_table};
  std::string network = family == AF_INET6 ? "::" : "0.0.0.0";
  NetlinkPayload hops;
  each_attribute(attributes_of(message, sizeof header), [&](unsigned type, NetlinkPayload data) {
    if (type == RTA_DST) network = address_of(family, data);
    if (type == RTA_GATEWAY) route.gateway = address_of(family, data);
    if (type == RTA_VIA) route.gateway = via_address(data);
    if (type == RTA_OIF) route.interface = interface_name(links, number(data));
    if (type == RTA_PRIORITY) route.metric = number(data);
    if (type == RTA_TABLE) route.table = number(data);
    if (type == RTA_MULTIPATH) hops = data;
  });
  if (route.table == RT_TABLE_LOCAL) return;
  route.destination = fmt::format("{}/{}", network, header.rtm_dst_len);
  if (seen.routes.size() >= routes_kept)
    seen.detail = fmt::format("more than {} routes; the others are left out", routes_kept);
  else if (!hops.empty())
    add_hops(route, family, hops, links, seen);
  else
    seen.routes.push_back(std::move(route));
}

void note(HostObservation& seen, const std::string& error) {
  if (error.empty()) return;
  seen.error = HostFailure::not_readable;
  seen.detail = error;
}

}  // namespace

HostObservation observe_interfaces() {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::interfaces};
  auto links = read_links();
  note(seen, links.error);
  note(seen, dump_kernel_table(RTM_GETADDR, AF_UNSPEC, [&](const nlmsghdr& message) {
         ifaddrmsg header{};
         if (!header_of(message, RTM_NEWADDR, header)) return;
         const auto link = links.by_index.find(static_cast<int>(header.ifa_index));
         if (link == links.by_index.end() || link->second.addresses.size() >= addresses_kept) return;
         std::string address, local;
         each_attribute(attributes_of(message, sizeof header), [&](unsigned type, NetlinkPayload data) {
           if (type == IFA_ADDRESS) address = address_of(header.ifa_family, data);
           if (type == IFA_LOCAL)
             local = address_of(header.ifa_family, data);  // on a point-to-point link IFA_ADDRESS is the peer
         });
         if (!local.empty()) address = local;
         if (!address.empty()) link->second.addresses.push_back(fmt::format("{}/{}", address, header.ifa_prefixlen));
       }));
  for (auto& [index, facts] : links.by_index) seen.interfaces.push_back(std::move(facts));
  seen.duration = since(started);
  return seen;
}

HostObservation observe_routes() {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::routes};
  const auto links = read_links();
  note(seen, links.error);
  for (const int family : {AF_INET, AF_INET6})
    note(seen, dump_kernel_table(RTM_GETROUTE, static_cast<unsigned char>(family),
                                 [&](const nlmsghdr& message) { add_route(message, links, seen); }));
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
