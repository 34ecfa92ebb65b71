#include "agent/tags/diff.hpp"

#include <map>

namespace vnetprobe::tags {
namespace {

using Both = std::pair<std::vector<Cidr>, std::vector<Cidr>>;  // before, after

bool selected(const ServiceTag& tag, const ServiceTag* only, std::string_view only_service, const std::string& region) {
  if (!region.empty() && region_of(tag) != region) return false;
  if (only_service.empty()) return true;
  return only && (tag.name == only->name || tag.name.starts_with(only->name + "."));
}

void append(std::vector<Cidr>& to, const std::vector<Cidr>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

std::vector<TagChange> changes(const TagFile& before, const TagFile& after, std::string_view only_tag,
                               std::string_view only_region) {
  const auto region = only_region.empty() ? std::string() : canonical_region(only_region);
  const auto* named = find_tag(after, only_tag, "").tag;
  if (!named && !only_tag.empty()) named = find_tag(before, only_tag, "").tag;
  std::map<std::string, Both> tags;
  for (const auto& tag : before.tags)
    if (selected(tag, named, only_tag, region)) tags[tag.name].first = tag.prefixes;
  for (const auto& tag : after.tags)
    if (selected(tag, named, only_tag, region)) tags[tag.name].second = tag.prefixes;
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
