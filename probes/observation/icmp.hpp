#pragma once

#include <boost/describe.hpp>

#include <string>

namespace vnetprobe {

// An ICMP error from the socket's error queue (IP_RECVERR; TCP part since Linux 5.8).
struct IcmpError {
  std::string offender;     // who sent it
  bool offender_is_self{};  // the offender is one of this node's own addresses
  int type{};
  int code{};
};
BOOST_DESCRIBE_STRUCT(IcmpError, (), (offender, offender_is_self, type, code))

}  // namespace vnetprobe
