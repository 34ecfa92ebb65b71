#include "reports/diagnosis/addresses.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

namespace vnetprobe {
namespace {

// Both families as 16 bytes; IPv4 in its mapped form, so that prefixes of different families never match.
struct Bits {
  std::array<std::uint8_t, 16> bytes{};
  bool v6{};
};

std::optional<Bits> parse(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));
  Bits bits;
  if (address.find(':') == std::string::npos) {
    if (::inet_pton(AF_INET, address.c_str(), bits.bytes.data() + 12) != 1) return {};
    bits.bytes[10] = bits.bytes[11] = 0xff;
    return bits;
  }
  if (::inet_pton(AF_INET6, address.c_str(), bits.bytes.data()) != 1) return {};
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  bits.v6 = !std::equal(mapped.begin(), mapped.end(), bits.bytes.begin());
  return bits;
}

bool same_first_bits(const Bits& a, const Bits& b, int count) {
  for (int i = 0; i < 16 && count > 0; ++i, count -= 8) {
    const auto mask = static_cast<std::uint8_t>(count >= 8 ? 0xff : 0xff << (8 - count));
    const auto index = static_cast<std::size_t>(i);
    if ((a.bytes[index] & mask) != (b.bytes[index] & mask)) return false;
  }
  return true;
}

struct Prefix {
  Bits base;
  int length{};  // of the 128 bits
};

std::optional<Prefix> parse_prefix(std::string_view text) {
  const auto base = parse(text.substr(0, text.find('/')));
  const int length = prefix_length(text);
  if (!base || length < 0) return {};
  return Prefix{*base, base->v6 ? length : 96 + length};
}

bool is_inside(const Prefix& prefix, const Bits& address) {
  return address.v6 == prefix.base.v6 && same_first_bits(address, prefix.base, prefix.length);
}

// A set that is read once: every rule asks it about every address.
class PrefixSet {
 public:
  PrefixSet(std::initializer_list<std::string_view> prefixes) {
    for (const auto text : prefixes) prefixes_.push_back(parse_prefix(text).value());
  }
  bool covers(std::string_view address) const {
    const auto bits = parse(address);
    return bits && std::any_of(prefixes_.begin(), prefixes_.end(),
                               [&](const Prefix& prefix) { return is_inside(prefix, *bits); });
  }

 private:
  std::vector<Prefix> prefixes_;
};

}  // namespace

bool is_address(std::string_view text) { return parse(text).has_value(); }

bool is_v6(std::string_view address) {
  const auto bits = parse(address);
  return bits && bits->v6;
}

bool is_loopback(std::string_view address) {
  static const PrefixSet set{"127.0.0.0/8", "::1/128"};
  return set.covers(address);
}

bool is_link_local(std::string_view address) {
  static const PrefixSet set{"169.254.0.0/16", "fe80::/10"};
  return set.covers(address);
}

bool is_private(std::string_view address) {
  static const PrefixSet set{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"};
  return set.covers(address);
}

bool is_bogon(std::string_view address) {
  static const PrefixSet set{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "224.0.0.0/3",
                             "::/128",    "::1/128",     "fe80::/10",      "ff00::/8"};
  return set.covers(address);
}

bool is_public(std::string_view address) {
  return is_address(address) && !is_private(address) && !is_bogon(address) && address != azure_dns;
}

int prefix_length(std::string_view prefix) {
  const auto slash = prefix.find('/');
  const auto base = parse(prefix.substr(0, slash));
  if (!base) return -1;
  const int longest = base->v6 ? 128 : 32;
  if (slash == std::string_view::npos) return longest;
  int length{};
  const auto digits = prefix.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length < 0 || length > longest) return -1;
  return length;
}

bool in_prefix(std::string_view address, std::string_view prefix) {
  const auto bits = parse(address);
  const auto parsed = parse_prefix(prefix);
  return bits && parsed && is_inside(*parsed, *bits);
}

std::string network_of(std::string_view cidr) {
  const auto prefix = parse_prefix(cidr);
  if (!prefix) return "";
  Bits network = prefix->base;
  for (int bit = prefix->length; bit < 128; ++bit)
    network.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = network.v6 ? network.bytes.data() : network.bytes.data() + 12;
  ::inet_ntop(network.v6 ? AF_INET6 : AF_INET, bytes, text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(network.v6 ? prefix->length : prefix->length - 96);
}

std::string first_label(std::string_view host) { return std::string(host.substr(0, host.find('.'))); }

std::string host_of(std::string_view endpoint) {
  if (endpoint.starts_with('[')) return std::string(endpoint.substr(1, endpoint.find(']') - 1));
  const auto colon = endpoint.find(':');
  if (colon == std::string_view::npos || endpoint.find(':', colon + 1) != std::string_view::npos)
    return std::string(endpoint);
  return std::string(endpoint.substr(0, colon));
}

std::string for_dig(std::string_view server) {
  auto address = "@" + host_of(server);
  if (address.size() > server.size()) return address;
  return address.append(" -p ").append(server.substr(server.rfind(':') + 1));
}

}  // namespace vnetprobe
