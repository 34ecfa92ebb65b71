#include "agent/tags/tag_index.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace vnetprobe::tags {
namespace {

// Whose name tells most about an address comes first.
auto rank(const ServiceTag& tag) {
  return std::tuple(tag.region.empty(), tag.name.starts_with("AzureCloud"), std::string_view(tag.name));
}

// A prefix of one tag: sorts by first address, then by length, then by its tag's rank.
template <class Number>
struct Entry {
  Number base{};
  std::uint64_t length_and_rank{};

  int length() const { return static_cast<int>(length_and_rank >> 32U); }
  std::uint32_t tag_rank() const { return static_cast<std::uint32_t>(length_and_rank); }
  bool operator<(const Entry& other) const {
    return base != other.base ? base < other.base : length_and_rank < other.length_and_rank;
  }
};

template <class Number>
constexpr int width = std::is_same_v<Number, Bits> ? 128 : 32;

template <class Number>
Cidr cidr(Number base, int length) {
  return {.base = base, .length = length, .v6 = width<Number> == 128};
}

}  // namespace

TagIndex::TagIndex(const TagFile& file) : file_(file), by_rank_(file.tags.size()) {
  std::iota(by_rank_.begin(), by_rank_.end(), 0U);
  std::sort(by_rank_.begin(), by_rank_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return rank(file.tags[a]) < rank(file.tags[b]); });
  owners_.reserve(file.prefix_count());
  build(v4_);
  build(v6_);
}

template <class Number>
void TagIndex::build(Family<Number>& family) {
  constexpr bool v6 = width<Number> == 128;
  std::vector<Entry<Number>> entries;
  entries.reserve(owners_.capacity() - owners_.size());
  for (std::uint32_t place = 0; place < by_rank_.size(); ++place)
    for (const auto& prefix : file_.tags[by_rank_[place]].prefixes)
      if (prefix.v6 == v6)
        entries.push_back({static_cast<Number>(prefix.base), static_cast<std::uint64_t>(prefix.length) << 32U | place});
  std::sort(entries.begin(), entries.end());
  std::vector<std::uint32_t> around;  // those that contain the current place, outermost first
  for (auto it = entries.begin(); it != entries.end();) {
    const auto last_before = [&](std::uint32_t place) {
      return cidr(family.starts[place], family.nodes[place].length).last() < it->base;
    };
    while (!around.empty() && last_before(around.back())) around.pop_back();
    const auto outer = around.empty() ? none : around.back();
    Node node{.parent = outer, .first_owner = static_cast<std::uint32_t>(owners_.size()), .length = it->length()};
    const auto base = it->base;
    for (; it != entries.end() && it->base == base && it->length() == node.length; ++it)
      owners_.push_back(by_rank_[it->tag_rank()]);
    node.owners = static_cast<std::uint32_t>(owners_.size()) - node.first_owner;
    node.found = node.owners + (outer == none ? 0 : family.nodes[outer].found);
    around.push_back(static_cast<std::uint32_t>(family.nodes.size()));
    family.starts.push_back(base);
    family.nodes.push_back(node);
  }
  family.starts.shrink_to_fit();
  family.nodes.shrink_to_fit();
}

template <class Number>
std::vector<Containing> TagIndex::look_up_in(const Family<Number>& family, Number address) const {
  std::vector<Containing> found;
  const auto after = std::upper_bound(family.starts.begin(), family.starts.end(), address);
  auto at = after == family.starts.begin() ? none : static_cast<std::uint32_t>(after - family.starts.begin() - 1);
  const auto ends_before = [&] { return cidr(family.starts[at], family.nodes[at].length).last() < address; };
  while (at != none && ends_before()) at = family.nodes[at].parent;
  if (at == none) return found;
  found.reserve(family.nodes[at].found);
  for (; at != none; at = family.nodes[at].parent) {
    const auto& node = family.nodes[at];
    for (std::uint32_t i = 0; i < node.owners; ++i)
      found.push_back({&file_.tags[owners_[node.first_owner + i]], cidr(family.starts[at], node.length)});
  }
  return found;
}

std::vector<Containing> TagIndex::look_up(const Address& address) const {
  return address.v6 ? look_up_in(v6_, address.bits) : look_up_in(v4_, static_cast<std::uint32_t>(address.bits));
}

}  // namespace vnetprobe::tags
