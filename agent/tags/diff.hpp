#pragma once

#include "agent/tags/routes.hpp"

namespace vnetprobe::tags {

// What the addresses of one tag gained and lost, as the fewest prefixes. A split, a merge or a move inside a tag is no
// change (azure-facts 5.5).
struct TagChange {
  std::string tag;
  std::vector<Cidr> added, removed;
};
// Tags without a change are left out. `only_tag` and `only_region` narrow ("Storage.*": with all its regions); empty:
// every one.
std::vector<TagChange> changes(const TagFile& before, const TagFile& after, std::string_view only_tag,
                               std::string_view only_region);

// The only question of an operator with forced tunnelling: do my routes change, and how?
struct RouteChanges {
  std::vector<Route> create, remove;
  std::string error;
};
RouteChanges route_changes(const TagFile& before, const TagFile& after, const RouteRequest& request);

}  // namespace vnetprobe::tags
