#pragma once

#include "agent/tags/address.hpp"

namespace vnetprobe::tags {

// A prefix and the tag that it belongs to.
template <class Number>
struct OwnedPrefix {
  Number base{};
  std::uint32_t length{};
  std::uint32_t tag{};  // place in the file
};

// All prefixes of a file by first address, then by length, then by what the tag tells: what an index is made from, and
// what the compact form keeps so that nobody need sort again.
struct PrefixOrder {
  std::vector<OwnedPrefix<std::uint32_t>> v4;
  std::vector<OwnedPrefix<Bits>> v6;
};

}  // namespace vnetprobe::tags
