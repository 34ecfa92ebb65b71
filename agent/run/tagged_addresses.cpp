#include "agent/run/tagged_addresses.hpp"

#include "agent/tags/routes.hpp"
#include "agent/tags/source.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

// --connect-to only changes where the packets went; the names' own addresses are what a tag is about.
std::set<std::string> public_addresses(const Check& check) {
  std::set<std::string> addresses;
  for (const auto& observation : check.observations) {
    if (observation.follow_up) continue;
    if (const auto* dns = std::get_if<DnsObservation>(&observation.seen))
      for (const auto& address : dns->addresses)
        if (is_public(address)) addresses.insert(address);
  }
  return addresses;
}

// Tags whose services answer through another one's addresses, which the documents therefore name together.
std::string_view companion_of(std::string_view tag) {
  return tag.starts_with("MicrosoftContainerRegistry") ? "AzureFrontDoor.FirstParty" : "";
}

bool contains(const tags::ServiceTag* tag, const tags::Address& address) {
  return tag && std::any_of(tag->prefixes.begin(), tag->prefixes.end(),
                            [&](const tags::Cidr& one) { return one.contains(address); });
}

}  // namespace

void note_tagged_addresses(std::vector<Check>& checks, const tags::TagFile& file) {
  std::map<std::string, const tags::ServiceTag*, std::less<>> known;
  const auto tag_named = [&](std::string_view name) {
    const auto at = known.find(name);
    if (at != known.end()) return at->second;
    return known.emplace(name, tags::find_tag(file, name, "").tag).first->second;
  };
  for (auto& check : checks) {
    if (!check.target.service_tag || check.proxy || check.target.private_endpoint) continue;
    const auto* tag = tag_named(*check.target.service_tag);
    if (!tag) continue;
    const auto companion = companion_of(tag->name);
    const auto* also = companion.empty() ? nullptr : tag_named(companion);
    for (const auto& text : public_addresses(check))
      if (const auto address = tags::parse_address(text))
        check.tagged_addresses.push_back(
            {.address = text, .inside = contains(tag, *address) || contains(also, *address)});
  }
}

std::vector<NeededRoute> forced_tunnel_routes(const tags::TagFile& file, const Node& node) {
  std::vector<NeededRoute> routes;
  if (!node.outbound || node.outbound->value != "forced-tunnel" || !node.region) return routes;
  std::set<std::string> known;
  const auto add = [&](const tags::RouteRequest& request) {
    for (const auto& route : tags::plan_routes(file, request).routes)
      if (known.insert(to_string(route.prefix)).second)
        routes.push_back({.prefix = to_string(route.prefix), .tag = route.tag});
  };
  const auto& region = node.region->value;
  add({.region = region, .aggregate = true});
  if (node.workspace_region && node.workspace_region->value != region)
    add({.region = node.workspace_region->value, .batch = false, .aggregate = true});
  return routes;
}

ServiceTagFile describe_tags(const tags::TagFile& file, std::chrono::sys_days today) {
  return {.source = file.path,
          .cloud = file.cloud,
          .change_number = file.change_number,
          .date = file.date,
          .age_days = tags::age_in_days(file, today)};
}

}  // namespace vnetprobe
