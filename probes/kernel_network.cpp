#include "probes/kernel_network.hpp"

#include "probes/host/netlink.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>

namespace vnetprobe {
namespace {

struct RawAddress {
  int family{AF_UNSPEC};
  std::array<unsigned char, 16> bytes{};
  std::size_t size{};
  unsigned zone{};  // interface index; 0: none
};

RawAddress raw(std::string address) {
  RawAddress result;
  if (const auto zone = address.find('%'); zone != std::string::npos) {
    const auto name = address.substr(zone + 1);
    result.zone = if_nametoindex(name.c_str());
    if (result.zone == 0) std::from_chars(name.data(), name.data() + name.size(), result.zone);
    address.resize(zone);
  }
  if (inet_pton(AF_INET, address.c_str(), result.bytes.data()) == 1) {
    result.family = AF_INET;
    result.size = 4;
  } else if (inet_pton(AF_INET6, address.c_str(), result.bytes.data()) == 1) {
    result.family = AF_INET6;
    result.size = 16;
  }
  return result;
}

std::string literal(int family, NetlinkPayload data) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (data.size() < (family == AF_INET ? 4U : 16U)) return {};
  return inet_ntop(family, data.data(), text.data(), text.size()) ? text.data() : "";
}

std::string interface_named(unsigned index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) ? name.data() : "";
}

std::string special_route(int error) {
  switch (error) {
    case EINVAL:
      return "blackhole";
    case EACCES:
      return "prohibit";
    case EHOSTUNREACH:
      return "unreachable";
    default:
      return "none";
  }
}

std::string route_type(unsigned char type) {
  switch (type) {
    case RTN_UNICAST:
      return "unicast";
    case RTN_LOCAL:
      return "local";
    case RTN_BLACKHOLE:
      return "blackhole";
    case RTN_UNREACHABLE:
      return "unreachable";
    case RTN_PROHIBIT:
      return "prohibit";
    default:
      return "other";
  }
}

std::string neighbour_state(std::uint16_t state) {
  struct Name {
    std::uint16_t bit;
    const char* name;
  };
  constexpr std::array names{Name{NUD_FAILED, "FAILED"},       Name{NUD_INCOMPLETE, "INCOMPLETE"},
                             Name{NUD_REACHABLE, "REACHABLE"}, Name{NUD_STALE, "STALE"},
                             Name{NUD_DELAY, "DELAY"},         Name{NUD_PROBE, "PROBE"},
                             Name{NUD_PERMANENT, "PERMANENT"}, Name{NUD_NOARP, "NOARP"}};
  for (const auto& [bit, name] : names)
    if (state & bit) return name;
  return "NONE";
}

struct RouteRequest {
  nlmsghdr header{};
  rtmsg message{};
  std::array<unsigned char, RTA_SPACE(16) + RTA_SPACE(sizeof(unsigned))> attributes{};
};

void append(RouteRequest& request, unsigned short type, const void* data, std::size_t size) {
  const rtattr attribute{.rta_len = static_cast<unsigned short>(RTA_LENGTH(size)), .rta_type = type};
  unsigned char* to = request.attributes.data() + request.header.nlmsg_len - NLMSG_LENGTH(sizeof request.message);
  std::memcpy(to, &attribute, sizeof attribute);
  std::memcpy(to + RTA_LENGTH(0), data, size);
  request.header.nlmsg_len += static_cast<std::uint32_t>(RTA_SPACE(size));
}

RouteRequest request_for(const RawAddress& to) {
  RouteRequest request;
  request.message.rtm_family = static_cast<unsigned char>(to.family);
  request.message.rtm_dst_len = static_cast<unsigned char>(to.size * 8);
  request.header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof request.message));
  append(request, RTA_DST, to.bytes.data(), to.size);
  if (to.zone != 0) append(request, RTA_OIF, &to.zone, sizeof to.zone);
  request.message.rtm_flags = RTM_F_LOOKUP_TABLE;  // without it the table is always main
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  return request;
}

void read_route(const nlmsghdr& answer, RouteLookup& into) {
  rtmsg message{};
  std::memcpy(&message, NLMSG_DATA(&answer), sizeof message);
  into.type = route_type(message.rtm_type);
  into.table = message.rtm_table;
  each_attribute(attributes_of(answer, sizeof message), [&](unsigned type, NetlinkPayload data) {
    if (type == RTA_GATEWAY) into.gateway = literal(message.rtm_family, data);
    if (type == RTA_PREFSRC) into.source = literal(message.rtm_family, data);
    if (type == RTA_TABLE && data.size() >= sizeof(unsigned)) {
      unsigned table{};
      std::memcpy(&table, data.data(), sizeof table);
      into.table = table;
    }
    if (type == RTA_OIF && data.size() >= sizeof(int)) {
      unsigned index{};
      std::memcpy(&index, data.data(), sizeof index);
      into.interface = interface_named(index);
    }
  });
}

using Addresses = std::unique_ptr<ifaddrs, decltype(&freeifaddrs)>;

Addresses own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) list = nullptr;
  return {list, freeifaddrs};
}

bool equals(const ifaddrs& entry, const RawAddress& wanted) {
  if (!entry.ifa_addr || entry.ifa_addr->sa_family != wanted.family) return false;
  const void* bytes = wanted.family == AF_INET
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr)
                          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr);
  return std::memcmp(bytes, wanted.bytes.data(), wanted.size) == 0;
}

}  // namespace

RouteLookup look_up_route(const std::string& address) {
  RouteLookup found{.type = "none"};
  const RawAddress to = raw(address);
  if (to.family == AF_UNSPEC) {
    found.error = EINVAL;
    return found;
  }
  const int kernel = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (kernel < 0) {
    found.error = errno;
    return found;
  }
  // The kernel answers from its own memory, while send() is under way.
  const RouteRequest request = request_for(to);
  alignas(nlmsghdr) std::array<unsigned char, 4096> answer{};
  ssize_t size = ::send(kernel, &request, request.header.nlmsg_len, 0);
  if (size >= 0) size = ::recv(kernel, answer.data(), answer.size(), MSG_DONTWAIT);
  found.error = size < 0 ? errno : 0;
  ::close(kernel);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (size <= 0 || !NLMSG_OK(header, static_cast<std::uint32_t>(size))) return found;
  if (header->nlmsg_type == NLMSG_ERROR) {
    nlmsgerr error{};
    std::memcpy(&error, NLMSG_DATA(header), sizeof error);
    found.error = -error.error;
    found.type = special_route(found.error);
  } else {
    read_route(*header, found);
  }
  return found;
}

std::optional<NeighbourEntry> find_neighbour(const std::string& gateway, const std::string& interface) {
  const RawAddress wanted = raw(gateway);
  std::optional<NeighbourEntry> found;
  if (wanted.family == AF_UNSPEC) return found;
  dump_kernel_table(RTM_GETNEIGH, static_cast<unsigned char>(wanted.family), [&](const nlmsghdr& message) {
    ndmsg header{};
    if (message.nlmsg_type != RTM_NEWNEIGH || message.nlmsg_len < NLMSG_LENGTH(sizeof header)) return;
    std::memcpy(&header, NLMSG_DATA(&message), sizeof header);
    auto carrier = interface_named(static_cast<unsigned>(header.ndm_ifindex));
    if (!interface.empty() && carrier != interface) return;
    each_attribute(attributes_of(message, sizeof header), [&](unsigned type, NetlinkPayload data) {
      if (type != NDA_DST || data.size() != wanted.size ||
          std::memcmp(data.data(), wanted.bytes.data(), wanted.size) != 0)
        return;
      found = NeighbourEntry{.gateway = gateway, .interface = carrier, .state = neighbour_state(header.ndm_state)};
    });
  });
  return found;
}

bool is_own_address(const std::string& address) {
  return look_up_route(address).type == "local" || !interface_of(address).empty();
}

std::string interface_of(const std::string& address) {
  // Every connection asks, and the answer hardly ever changes: the kernel is asked again after a second.
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds good_for{1};
  static thread_local decltype(own_addresses()) addresses{nullptr, nullptr};
  static thread_local Clock::time_point read;
  if (!addresses || Clock::now() - read > good_for) {
    addresses = own_addresses();
    read = Clock::now();
  }
  const RawAddress wanted = raw(address);
  for (const ifaddrs* entry = addresses.get(); entry; entry = entry->ifa_next)
    if (equals(*entry, wanted) && (wanted.zone == 0 || if_nametoindex(entry->ifa_name) == wanted.zone))
      return entry->ifa_name;
  return {};
}

}  // namespace vnetprobe
