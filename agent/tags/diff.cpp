#include "agent/tags/diff.hpp"

#include <map>

namespace vnetprobe::tags {
namespace {

using Both = std::pair<std::vector<Cidr>, std::vector<Cidr>>;  // before, after

// "Storage" is that tag alone, with a region that region's; "Storage.*" the tag and those of all regions.
class Selection {
 public:
  Selection(const TagFile& before, const TagFile& after, std::string_view tag, std::string_view region)
      : all_(tag.empty()), region_(region.empty() ? "" : canonical_region(region)) {
    with_regions_ = tag.ends_with(".*") || !region_.empty();
    if (tag.ends_with(".*")) tag.remove_suffix(2);
    for (const auto* file : {&after, &before})
      if (const auto* found = all_ ? nullptr : find_tag(*file, tag, "").tag; found && name_.empty())
        name_ = found->name;
  }

  bool has(const ServiceTag& tag) const {
    if (!region_.empty() && region_of(tag) != region_) return false;
    if (all_) return true;
    return !name_.empty() && (tag.name == name_ || (with_regions_ && tag.name.starts_with(name_ + ".")));
  }

 private:
  bool all_{}, with_regions_{};
  std::string name_, region_;
};

void append(std::vector<Cidr>& to, const std::vector<Cidr>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

std::vector<TagChange> changes(const TagFile& before, const TagFile& after, std::string_view only_tag,
                               std::string_view only_region) {
  const Selection selection(before, after, only_tag, only_region);
  std::map<std::string, Both> tags;
  for (const auto& tag : before.tags)
    if (selection.has(tag)) tags[tag.name].first = tag.prefixes;
  for (const auto& tag : after.tags)
    if (selection.has(tag)) tags[tag.name].second = tag.prefixes;
  std::vector<TagChange> found;
  for (const auto& [name, both] : tags) {
    TagChange change{.tag = name, .added = {}, .removed = {}};
    for (const bool v6 : {false, true}) {
      const auto old_set = AddressSet::of(both.first, v6), new_set = AddressSet::of(both.second, v6);
      append(change.added, new_set.minus(old_set).minimal(v6));
      append(change.removed, old_set.minus(new_set).minimal(v6));
    }
    if (!change.added.empty() || !change.removed.empty()) found.push_back(std::move(change));
  }
  return found;
}

RouteChanges route_changes(const TagFile& before, const TagFile& after, const RouteRequest& request) {
  const auto old_plan = plan_routes(before, request), new_plan = plan_routes(after, request);
  RouteChanges changes;
  changes.error = new_plan.error.empty() ? old_plan.error : new_plan.error;
  const auto missing_in = [](const RoutePlan& plan, const Route& route) {
    for (const auto& other : plan.routes)
      if (other.prefix == route.prefix) return false;
    return true;
  };
  for (const auto& route : new_plan.routes)
    if (missing_in(old_plan, route)) changes.create.push_back(route);
  for (const auto& route : old_plan.routes)
    if (missing_in(new_plan, route)) changes.remove.push_back(route);
  return changes;
}

}  // namespace vnetprobe::tags
