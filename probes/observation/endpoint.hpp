#pragma once

#include <boost/describe.hpp>
#include <compare>
#include <cstdint>
#include <string>

namespace vnetprobe {

// Where a packet goes to or comes from. `address` is an IP literal without brackets; IPv6 may carry a zone
// ("fe80::1%eth0").
struct Endpoint {
  std::string address;
  std::uint16_t port{};

  auto operator<=>(const Endpoint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (address, port))

// "10.0.0.4:443", "[fd00::1]:443"
std::string to_string(const Endpoint& endpoint);

}  // namespace vnetprobe
