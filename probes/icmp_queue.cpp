#include "probes/icmp_queue.hpp"

#include "probes/kernel_network.hpp"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace vnetprobe {
namespace {

std::string address_of(const sockaddr* from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* done = nullptr;
  if (from->sa_family == AF_INET)
    done = inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, text.data(), text.size());
  if (from->sa_family == AF_INET6)
    done = inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, text.data(), text.size());
  return done ? done : "";
}

std::optional<QueuedIcmpError> icmp_in(const cmsghdr& message) {
  const bool v4 = message.cmsg_level == IPPROTO_IP && message.cmsg_type == IP_RECVERR;
  const bool v6 = message.cmsg_level == IPPROTO_IPV6 && message.cmsg_type == IPV6_RECVERR;
  if (!v4 && !v6) return std::nullopt;
  sock_extended_err error{};
  std::memcpy(&error, CMSG_DATA(&message), sizeof error);
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) return std::nullopt;
  const auto* offender = SO_EE_OFFENDER(reinterpret_cast<const sock_extended_err*>(CMSG_DATA(&message)));
  QueuedIcmpError seen{.icmp = {.offender = address_of(offender), .type = error.ee_type, .code = error.ee_code},
                       .error = static_cast<int>(error.ee_errno)};
  seen.icmp.offender_is_self = is_own_address(seen.icmp.offender);
  return seen;
}

void set_queueing(int socket, bool v6, int on) {
  if (v6)
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  else
    ::setsockopt(socket, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
}

}  // namespace

void queue_icmp_errors(int socket, bool v6) { set_queueing(socket, v6, 1); }

void ignore_icmp_errors(int socket, bool v6) { set_queueing(socket, v6, 0); }

std::optional<IcmpError> take_icmp_error(int socket) {
  const auto queued = take_queued_icmp_error(socket);
  return queued ? std::optional(queued->icmp) : std::nullopt;
}

std::optional<QueuedIcmpError> take_queued_icmp_error(int socket) {
  std::optional<QueuedIcmpError> first;
  for (;;) {
    std::array<char, 64> payload{};
    alignas(cmsghdr) std::array<char, 512> control{};
    iovec bytes{.iov_base = payload.data(), .iov_len = payload.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return first;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
      if (!first) first = icmp_in(*part);
  }
}

std::string errno_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name ? name : "errno " + std::to_string(error);
}

}  // namespace vnetprobe
