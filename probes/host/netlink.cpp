#include "probes/host/netlink.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace vnetprobe {
namespace {

struct NetlinkSocket {
  int fd;
  ~NetlinkSocket() {
    if (fd >= 0) ::close(fd);
  }
};

struct Request {
  nlmsghdr header;
  rtgenmsg body;
};

std::string netlink_failure(const char* step) {
  return std::string("rtnetlink: ") + step + ": " + std::strerror(errno);
}

}  // namespace

std::string dump_kernel_table(std::uint16_t type, unsigned char family,
                              const std::function<void(const nlmsghdr&)>& each) {
  const NetlinkSocket socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (socket.fd < 0) return netlink_failure("socket");
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  Request request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtgenmsg));
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = 1;
  request.body.rtgen_family = family;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket.fd, &request, request.header.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return netlink_failure("send");
  std::vector<unsigned char> buffer(64 * 1024);
  for (;;) {
    const auto received = ::recv(socket.fd, buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return netlink_failure("receive");
    auto left = static_cast<unsigned>(received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return {};
      if (message->nlmsg_type == NLMSG_ERROR) {
        nlmsgerr error{};
        if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error)) std::memcpy(&error, NLMSG_DATA(message), sizeof error);
        errno = -error.error;
        return netlink_failure("dump");
      }
      each(*message);
    }
  }
}

NetlinkPayload attributes_of(const nlmsghdr& message, std::size_t header) {
  const auto start = NLMSG_HDRLEN + NLMSG_ALIGN(header);
  if (message.nlmsg_len < start) return {};
  return {reinterpret_cast<const unsigned char*>(&message) + start, message.nlmsg_len - start};
}

void each_attribute(NetlinkPayload attributes, const std::function<void(unsigned, NetlinkPayload)>& each) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) return;
    each(attribute.rta_type & NLA_TYPE_MASK,
         attributes.subspan(sizeof attribute, attribute.rta_len - sizeof attribute));
    attributes = attributes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
}

}  // namespace vnetprobe
