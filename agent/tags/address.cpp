#include "agent/tags/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace vnetprobe::tags {
namespace {

// As inet_pton() reads it, in a tenth of the time: a file holds a hundred thousand of them.
std::optional<Address> parse_v4(std::string_view text) {
  std::uint32_t bits = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at == end || *at++ != '.')) return std::nullopt;
    unsigned value = 0;
    const char* begin = at;
    while (at != end && *at >= '0' && *at <= '9' && at - begin < 4)
      value = value * 10 + static_cast<unsigned>(*at++ - '0');
    const bool leading_zero = at - begin > 1 && *begin == '0';
    if (at == begin || value > 255 || leading_zero) return std::nullopt;
    bits = bits << 8U | value;
  }
  if (at != end) return std::nullopt;
  return Address{.bits = bits, .v6 = false};
}

std::optional<Address> parse_v6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
  Address address{.v6 = true};
  for (const auto byte : bytes) address.bits = address.bits << 8U | byte;
  return address;
}

// The bits behind a prefix of `length`.
Bits host_mask(int width, int length) {
  const int hosts = width - length;
  return hosts >= 128 ? ~Bits{0} : (Bits{1} << static_cast<unsigned>(hosts)) - 1;
}

}  // namespace

Bits Cidr::last() const { return base | host_mask(width(), length); }

bool Cidr::contains(const Address& address) const {
  return address.v6 == v6 && address.bits >= base && address.bits <= last();
}

bool Cidr::contains(const Cidr& other) const {
  return other.v6 == v6 && other.length >= length && (other.base & ~host_mask(width(), length)) == base;
}

std::optional<Address> parse_address(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

CidrParse parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return {.value = {}, .error = "is no IP address with a length"};
  const int width = address->v6 ? 128 : 32;
  if (slash == std::string_view::npos)
    return {.value = {}, .error = fmt::format("has no length; /{} means one address", width)};
  int length = -1;
  const auto digits = text.substr(slash + 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (problem != std::errc{} || end != digits.data() + digits.size() || length < 0 || length > width)
    return {.value = {}, .error = fmt::format("has no length between 0 and {}", width)};
  const Cidr cidr{.base = address->bits & ~host_mask(width, length), .length = length, .v6 = address->v6};
  if (cidr.base != address->bits)
    return {.value = {}, .error = fmt::format("has host bits set; {} is the prefix", to_string(cidr))};
  return {.value = cidr, .error = {}};
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!address.v6) {
    const auto bits = static_cast<std::uint32_t>(address.bits);
    return fmt::format("{}.{}.{}.{}", bits >> 24U, bits >> 16U & 255U, bits >> 8U & 255U, bits & 255U);
  }
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(address.bits >> (8U * (15U - static_cast<unsigned>(i))));
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string to_string(const Cidr& cidr) {
  return fmt::format("{}/{}", to_string(Address{.bits = cidr.base, .v6 = cidr.v6}), cidr.length);
}

AddressSet AddressSet::of(const std::vector<Cidr>& prefixes, bool v6) {
  std::vector<Range> sorted;
  for (const auto& prefix : prefixes)
    if (prefix.v6 == v6) sorted.push_back({prefix.base, prefix.last()});
  std::sort(sorted.begin(), sorted.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  AddressSet set;
  for (const auto& range : sorted) {
    // `first - 1` cannot wrap: a range that begins at 0 is the first one.
    if (!set.ranges_.empty() && range.first <= set.ranges_.back().last)
      set.ranges_.back().last = std::max(set.ranges_.back().last, range.last);
    else if (!set.ranges_.empty() && range.first - 1 == set.ranges_.back().last)
      set.ranges_.back().last = range.last;
    else
      set.ranges_.push_back(range);
  }
  return set;
}

AddressSet AddressSet::minus(const AddressSet& other) const {
  AddressSet left;
  auto cut = other.ranges_.begin();
  for (auto range : ranges_) {
    while (cut != other.ranges_.end() && cut->last < range.first) ++cut;
    bool gone = false;
    for (auto it = cut; it != other.ranges_.end() && it->first <= range.last; ++it) {
      if (it->first > range.first) left.ranges_.push_back({range.first, it->first - 1});
      if (it->last >= range.last) {
        gone = true;
        break;
      }
      range.first = it->last + 1;
    }
    if (!gone) left.ranges_.push_back(range);
  }
  return left;
}

AddressSet AddressSet::united(const AddressSet& other) const {
  std::vector<Range> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  AddressSet set;
  for (const auto& range : all) {
    auto* back = set.ranges_.empty() ? nullptr : &set.ranges_.back();
    if (back && (range.first <= back->last || range.first - 1 == back->last))
      back->last = std::max(back->last, range.last);
    else
      set.ranges_.push_back(range);
  }
  return set;
}

bool AddressSet::intersects(const AddressSet& other) const {
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    if (a->last < b->first)
      ++a;
    else if (b->last < a->first)
      ++b;
    else
      return true;
  }
  return false;
}

std::vector<Cidr> AddressSet::minimal(bool v6) const {
  const int width = v6 ? 128 : 32;
  std::vector<Cidr> prefixes;
  for (const auto& range : ranges_) {
    Bits at = range.first;
    for (;;) {
      // The longest aligned block that begins here and ends within the range.
      int length = width;
      while (length > 0) {
        const Cidr wider{.base = at, .length = length - 1, .v6 = v6};
        if ((at & host_mask(width, length - 1)) != 0 || wider.last() > range.last) break;
        --length;
      }
      const Cidr block{.base = at, .length = length, .v6 = v6};
      prefixes.push_back(block);
      if (block.last() == range.last) break;
      at = block.last() + 1;
    }
  }
  return prefixes;
}

}  // namespace vnetprobe::tags
