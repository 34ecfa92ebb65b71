#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Addresses and prefixes as numbers: service tags are compared by address space, never by their text (azure-facts 5.4).
namespace vnetprobe::tags {

using Bits = unsigned __int128;  // IPv4 in the low 32 bits

struct Address {
  Bits bits{};
  bool v6{};
};

struct Cidr {
  Bits base{};
  int length{};
  bool v6{};

  int width() const { return v6 ? 128 : 32; }
  Bits last() const;
  bool contains(const Address& address) const;
  bool contains(const Cidr& other) const;
  bool operator==(const Cidr&) const = default;
};

// Both ends included, one family.
struct Range {
  Bits first{}, last{};
  bool operator==(const Range&) const = default;
};

// Dotted IPv4 or IPv6 in any RFC 4291 form; absent: neither.
std::optional<Address> parse_address(std::string_view text);

// "20.41.0.240/28". `error` says what is wrong with it: no address, no length, a length out of range, host bits set.
struct CidrParse {
  std::optional<Cidr> value;
  std::string error;
};
CidrParse parse_cidr(std::string_view text);

std::string to_string(const Address& address);
std::string to_string(const Cidr& cidr);

// A set of addresses of one family: sorted ranges that neither touch nor overlap.
class AddressSet {
 public:
  AddressSet() = default;
  static AddressSet of(const std::vector<Cidr>& prefixes, bool v6);

  bool empty() const { return ranges_.empty(); }
  AddressSet minus(const AddressSet& other) const;
  AddressSet united(const AddressSet& other) const;
  bool intersects(const AddressSet& other) const;
  const std::vector<Range>& ranges() const { return ranges_; }
  // The fewest prefixes that make exactly this set, in order.
  std::vector<Cidr> minimal(bool v6) const;
  bool operator==(const AddressSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace vnetprobe::tags
