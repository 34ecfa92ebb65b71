#pragma once

#include <functional>
#include <span>
#include <string>

struct nlmsghdr;

namespace vnetprobe {

// Asks the kernel for a whole table of this network namespace by rtnetlink(7): `type` is RTM_GETLINK, RTM_GETADDR or
// RTM_GETROUTE, `family` AF_UNSPEC for all. `each` gets every message. Returns "" or what went wrong. Needs no
// privilege; blocks for 2 s at most, and in practice for microseconds, since the kernel answers by itself.
std::string dump_kernel_table(std::uint16_t type, unsigned char family,
                              const std::function<void(const nlmsghdr&)>& each);

// The attributes behind a message's fixed part of `header` bytes. `each` gets the type (without flags) and the payload.
using NetlinkPayload = std::span<const unsigned char>;
void each_attribute(NetlinkPayload attributes, const std::function<void(unsigned, NetlinkPayload)>& each);
NetlinkPayload attributes_of(const nlmsghdr& message, std::size_t header);

}  // namespace vnetprobe
