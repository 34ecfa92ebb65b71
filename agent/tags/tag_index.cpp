#include "agent/tags/tag_index.hpp"

#include <algorithm>
#include <tuple>

namespace vnetprobe::tags {
namespace {

struct Entry {
  Bits base{};
  std::uint8_t length{};
  std::uint32_t tag{};
};

// Whose name tells most about an address comes first.
auto rank(const ServiceTag& tag) {
  return std::tuple(tag.region.empty(), tag.name.starts_with("AzureCloud"), std::string_view(tag.name));
}

}  // namespace

TagIndex::TagIndex(const TagFile& file) : file_(file) {
  build(v4_, false);
  build(v6_, true);
}

void TagIndex::build(Family& family, bool v6) {
  std::vector<Entry> entries;
  for (std::uint32_t i = 0; i < file_.tags.size(); ++i)
    for (const auto& prefix : file_.tags[i].prefixes)
      if (prefix.v6 == v6) entries.push_back({prefix.base, static_cast<std::uint8_t>(prefix.length), i});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.base, a.length) < std::tie(b.base, b.length); });
  std::vector<std::uint32_t> around;  // those that contain the current place, outermost first
  for (auto it = entries.begin(); it != entries.end();) {
    const auto same =
        std::find_if(it, entries.end(), [&](const Entry& e) { return e.base != it->base || e.length != it->length; });
    const Cidr prefix{.base = it->base, .length = it->length, .v6 = v6};
    while (!around.empty() && family.prefixes[around.back()].last() < prefix.base) around.pop_back();
    Node node{.parent = around.empty() ? none : around.back(),
              .first_owner = static_cast<std::uint32_t>(owners_.size()),
              .owners = static_cast<std::uint32_t>(same - it)};
    for (auto owner = it; owner != same; ++owner) owners_.push_back(owner->tag);
    std::sort(owners_.begin() + node.first_owner, owners_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return rank(file_.tags[a]) < rank(file_.tags[b]); });
    around.push_back(static_cast<std::uint32_t>(family.prefixes.size()));
    family.starts.push_back(prefix.base);
    family.prefixes.push_back(prefix);
    family.nodes.push_back(node);
    it = same;
  }
}

std::vector<Containing> TagIndex::look_up(const Address& address) const {
  const Family& family = address.v6 ? v6_ : v4_;
  std::vector<Containing> found;
  const auto after = std::upper_bound(family.starts.begin(), family.starts.end(), address.bits);
  auto at = after == family.starts.begin() ? none : static_cast<std::uint32_t>(after - family.starts.begin() - 1);
  while (at != none && !family.prefixes[at].contains(address)) at = family.nodes[at].parent;
  for (; at != none; at = family.nodes[at].parent)
    for (std::uint32_t i = 0; i < family.nodes[at].owners; ++i)
      found.push_back({&file_.tags[owners_[family.nodes[at].first_owner + i]], family.prefixes[at]});
  return found;
}

}  // namespace vnetprobe::tags
