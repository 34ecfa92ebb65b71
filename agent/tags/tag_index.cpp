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

template <class Number>
constexpr bool is_v6 = std::is_same_v<Number, Bits>;

template <class Number>
Cidr cidr(Number base, std::uint32_t length) {
  return {.base = base, .length = static_cast<int>(length), .v6 = is_v6<Number>};
}

// With the tag's rank for its place, so that equal prefixes come in the order in which they are told.
template <class Number>
std::vector<OwnedPrefix<Number>> sorted(const TagFile& file, const std::vector<std::uint32_t>& by_rank) {
  std::vector<OwnedPrefix<Number>> all;
  all.reserve(file.prefix_count());
  for (std::uint32_t place = 0; place < by_rank.size(); ++place)
    for (const auto& prefix : file.tags[by_rank[place]].prefixes)
      if (prefix.v6 == is_v6<Number>)
        all.push_back({static_cast<Number>(prefix.base), static_cast<std::uint32_t>(prefix.length), place});
  using Owned = OwnedPrefix<Number>;
  std::sort(all.begin(), all.end(), [](const Owned& a, const Owned& b) {
    if (a.base != b.base) return a.base < b.base;
    return a.length != b.length ? a.length < b.length : a.tag < b.tag;
  });
  for (auto& one : all) one.tag = by_rank[one.tag];
  return all;
}

}  // namespace

PrefixOrder in_order(const TagFile& file) {
  std::vector<std::uint32_t> by_rank(file.tags.size());
  std::iota(by_rank.begin(), by_rank.end(), 0U);
  std::sort(by_rank.begin(), by_rank.end(),
            [&](std::uint32_t a, std::uint32_t b) { return rank(file.tags[a]) < rank(file.tags[b]); });
  return {.v4 = sorted<std::uint32_t>(file, by_rank), .v6 = sorted<Bits>(file, by_rank)};
}

TagIndex::TagIndex(const TagFile& file) : file_(file) {
  owners_.reserve(file.prefix_count());
  const auto build_both = [&](const PrefixOrder& order) {
    build(order.v4, v4_);
    build(order.v6, v6_);
  };
  if (file.order)
    build_both(*file.order);
  else
    build_both(in_order(file));
}

template <class Number>
void TagIndex::build(const std::vector<OwnedPrefix<Number>>& prefixes, Family<Number>& family) {
  std::vector<std::uint32_t> around;  // those that contain the current place, outermost first
  for (auto it = prefixes.begin(); it != prefixes.end();) {
    const auto base = it->base;
    const auto ended = [&](std::uint32_t place) {
      return cidr(family.starts[place], family.nodes[place].length).last() < base;
    };
    while (!around.empty() && ended(around.back())) around.pop_back();
    const auto outer = around.empty() ? none : around.back();
    Node node{.parent = outer, .first_owner = static_cast<std::uint32_t>(owners_.size()), .length = it->length};
    for (; it != prefixes.end() && it->base == base && it->length == node.length; ++it) owners_.push_back(it->tag);
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
