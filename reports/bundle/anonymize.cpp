#include "reports/bundle/anonymize.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace vnetprobe::bundle {
namespace {

using Bytes = std::array<unsigned char, 16>;

// A range that is not mapped, or whose first bits stay.
struct Range {
  const char* network;
  int length;
  int kept_bits;  // -1: kept whole
};
constexpr std::array v4_ranges{
    Range{"0.0.0.0", 8, -1},        Range{"127.0.0.0", 8, -1},   Range{"169.254.0.0", 16, -1},
    Range{"168.63.129.16", 32, -1}, Range{"192.0.2.0", 24, -1},  Range{"224.0.0.0", 3, -1},
    Range{"10.0.0.0", 8, 8},        Range{"172.16.0.0", 12, 12}, Range{"192.168.0.0", 16, 16},
    Range{"100.64.0.0", 10, 10},
};
constexpr std::array v6_ranges{
    Range{"::", 127, -1},
    Range{"fe80::", 10, -1},
    Range{"ff00::", 8, -1},
    Range{"fc00::", 7, 8},
};

bool bit(std::span<const unsigned char> bytes, int index) {
  const auto place = static_cast<std::size_t>(index);
  return ((bytes[place / 8] >> (7 - place % 8)) & 1U) != 0;
}

bool is_in(const Bytes& address, const Range& range, int family) {
  Bytes network{};
  ::inet_pton(family, range.network, network.data());
  for (int i = 0; i < range.length; ++i)
    if (bit(address, i) != bit(network, i)) return false;
  return true;
}

std::string to_text(const Bytes& address, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

struct Anonymizer::State {
  std::string key;
  std::vector<std::pair<std::string, std::string>> names;  // lower case, longest first, with what they become
  std::function<bool(const std::string&)> is_evidence;
  std::map<std::string, std::string> mapped;
  RE2 v4{R"((\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:/(\d{1,2}))?)"};
  RE2 v6{R"(([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?:/(\d{1,3}))?)"};
  RE2 mac{R"([0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5})"};

  // Crypto-PAn's construction (Xu et al. 2002): a bit is turned by a keyed function of all bits before it, so common
  // prefixes stay common.
  bool turns(const Bytes& address, int index, int family) const {
    std::array<unsigned char, 18> prefix{};
    prefix[0] = static_cast<unsigned char>(family);
    prefix[1] = static_cast<unsigned char>(index);
    for (int i = 0; i < index; ++i)
      if (bit(address, i)) prefix[2 + static_cast<std::size_t>(i) / 8] |= static_cast<unsigned char>(0x80U >> (i % 8));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), prefix.data(), prefix.size(), digest.data(), &size);
    return (digest[0] & 1U) != 0;
  }

  // With the length of a prefix, the host bits stay zero: a network becomes a network.
  std::string address(const std::string& text, int family, int length) {
    Bytes bytes{};
    if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return text;
    const int bits = family == AF_INET ? 32 : 128;
    int from = family == AF_INET ? 0 : 3;  // 2000::/3 stays what it is
    const std::span<const Range> ranges = family == AF_INET ? std::span<const Range>(v4_ranges) : v6_ranges;
    for (const auto& range : ranges) {
      if (!is_in(bytes, range, family)) continue;
      if (range.kept_bits < 0) return text;
      from = range.kept_bits;
      break;
    }
    if (is_evidence && is_evidence(text)) return text;
    Bytes hidden = bytes;
    const int host_bits_from = length >= 0 && length < bits ? length : bits;
    bool host_is_zero = host_bits_from < bits;
    for (int i = host_bits_from; i < bits; ++i) host_is_zero = host_is_zero && !bit(bytes, i);
    for (int i = from; i < (host_is_zero ? host_bits_from : bits); ++i)
      if (turns(bytes, i, family))
        hidden[static_cast<std::size_t>(i) / 8] ^= static_cast<unsigned char>(0x80U >> (i % 8));
    auto result = to_text(hidden, family);
    mapped.emplace(text, result);
    return result;
  }

  std::string addresses(std::string_view text, const RE2& pattern, int family) {
    std::string out;
    re2::StringPiece rest(text.data(), text.size());
    re2::StringPiece found[3];
    while (pattern.Match(rest, 0, rest.size(), RE2::UNANCHORED, found, 3)) {
      const auto before = static_cast<std::size_t>(found[0].data() - rest.data());
      out.append(rest.data(), before);
      const char preceding = before > 0 ? rest[before - 1] : out.empty() ? ' ' : out.back();
      const std::size_t end = before + found[0].size();
      const char following = end < rest.size() ? rest[end] : ' ';
      int length = -1;
      if (found[2].data()) std::from_chars(found[2].data(), found[2].data() + found[2].size(), length);
      // "1.2.3.4.5" is a version, and "x::y" a name in some language.
      const bool whole = !is_word(preceding) && preceding != '.' && !is_word(following) &&
                         !(following == '.' && end + 1 < rest.size() && is_word(rest[end + 1]));
      if (whole) {
        out += address(std::string(found[1]), family, length);
        if (found[2].data()) out += "/" + std::string(found[2]);
      } else {
        out.append(found[0].data(), found[0].size());
      }
      rest.remove_prefix(std::max<std::size_t>(end, 1));
    }
    out.append(rest.data(), rest.size());
    return out;
  }

  std::string macs(std::string_view text) {
    std::string out;
    re2::StringPiece rest(text.data(), text.size());
    re2::StringPiece found;
    while (mac.Match(rest, 0, rest.size(), RE2::UNANCHORED, &found, 1)) {
      const auto before = static_cast<std::size_t>(found.data() - rest.data());
      out.append(rest.data(), before);
      const std::string address(found);
      const bool nobody = address.find_first_not_of("0:-") == std::string::npos ||
                          address.find_first_not_of("fF:-") == std::string::npos;
      const auto [known, is_new] = mapped.try_emplace(
          address, nobody
                       ? address
                       : fmt::format("02:00:00:00:{:02x}:{:02x}", (mapped.size() >> 8U) & 255U, mapped.size() & 255U));
      out += known->second;
      rest.remove_prefix(before + found.size());
    }
    out.append(rest.data(), rest.size());
    return out;
  }

  std::string hide_names(std::string_view text) {
    std::string folded(text.size(), '\0');
    std::transform(text.begin(), text.end(), folded.begin(), lower);
    std::string out;
    std::size_t written = 0;
    struct Hit {
      std::size_t begin, end;
      const std::string* with;
    };
    std::vector<Hit> hits;
    for (const auto& [name, with] : names)
      for (auto at = folded.find(name); at != std::string::npos; at = folded.find(name, at + name.size())) {
        const auto end = at + name.size();
        const bool whole = (at == 0 || !is_word(folded[at - 1])) && (end == folded.size() || !is_word(folded[end]));
        if (whole) hits.push_back({.begin = at, .end = end, .with = &with});
      }
    std::ranges::stable_sort(hits, {}, &Hit::begin);
    for (const auto& hit : hits) {
      if (hit.begin < written) continue;
      out.append(text.substr(written, hit.begin - written));
      out += *hit.with;
      written = hit.end;
    }
    out.append(text.substr(written));
    return out;
  }
};

Anonymizer::Anonymizer(std::string key, std::vector<NameToHide> names,
                       std::function<bool(const std::string&)> is_evidence)
    : state_(std::make_unique<State>()) {
  state_->key = std::move(key);
  state_->is_evidence = std::move(is_evidence);
  std::map<std::string, int> numbers;
  for (const auto& [kind, name] : names) {
    std::string folded(name.size(), '\0');
    std::transform(name.begin(), name.end(), folded.begin(), lower);
    const bool known = std::ranges::any_of(state_->names, [&](const auto& one) { return one.first == folded; });
    if (folded.size() < 3 || known) continue;
    auto with = fmt::format("{}-{}", kind, ++numbers[kind]);
    state_->mapped.emplace(name, with);
    state_->names.emplace_back(std::move(folded), std::move(with));
  }
  std::ranges::stable_sort(state_->names, std::greater{}, [](const auto& one) { return one.first.size(); });
}

Anonymizer::~Anonymizer() = default;
Anonymizer::Anonymizer(Anonymizer&&) noexcept = default;

std::string Anonymizer::hide(std::string_view text) {
  const auto without_macs = state_->macs(text);
  const auto without_v4 = state_->addresses(without_macs, state_->v4, AF_INET);
  const auto without_v6 = state_->addresses(without_v4, state_->v6, AF_INET6);
  return state_->hide_names(without_v6);
}

const std::map<std::string, std::string>& Anonymizer::mapped() const { return state_->mapped; }

}  // namespace vnetprobe::bundle
