#include "reports/diagnosis/tag_fixes.hpp"

#include "reports/diagnosis/cited.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::array silences{"tcp.timeout",
                              "tcp.dropped_remote",
                              "tcp.dropped_all_public",
                              "route.no_internet_outbound",
                              "batch.endpoint_unreachable",
                              "service_tag.pair_region_missing",
                              "service_tag.resolved_outside_tag"};
// Of these the table's own fix names one tag at most, and many are silent.
constexpr std::array silences_of_all{"tcp.dropped_all_public", "route.no_internet_outbound"};

template <std::size_t N>
bool is_one_of(const std::array<const char*, N>& codes, const std::string& code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// The tags that the article asks for routes to.
bool is_routed(const Target& target) {
  return target.service_tag && (target.service_tag->starts_with("BatchNodeManagement") ||
                                target.service_tag->starts_with("AzureMachineLearning"));
}

std::optional<Fix> routes_to_add(const ServiceTagFile& tags, const std::vector<const Target*>& silent) {
  const bool concerned = std::any_of(silent.begin(), silent.end(), [](const Target* one) { return is_routed(*one); });
  if (tags.routes.empty() || !concerned) return std::nullopt;
  std::vector<std::string> prefixes, names;
  for (const auto& route : tags.routes) {
    prefixes.push_back(route.prefix);
    add_once(names, route.tag);
  }
  return Fix{
      .text = fmt::format("Give the subnet's route table these {} routes to the internet: {}.", prefixes.size(),
                          fmt::join(names, ", ")),
      .command = fmt::format("for p in {}; do az network route-table route create -g <vnet_resource_group> "
                             "--route-table-name <route_table> -n \"aml-$(echo $p | tr / -)\" --address-prefix $p "
                             "--next-hop-type Internet; done",
                             fmt::join(prefixes, " ")),
      .is_template = true};
}

// "Allow443ToStorage.EastUS2"
Fix rule_for(const Target& target, std::size_t place) {
  const auto& tag = *target.service_tag;
  constexpr std::size_t first_priority = 200;
  return {.text = fmt::format("Let the node reach {}: outbound TCP {} to the tag {}.", target.host, target.port, tag),
          .command = fmt::format("az network nsg rule create -g <vnet_resource_group> --nsg-name <nsg> -n Allow{}To{} "
                                 "--priority {} --direction Outbound --access Allow --protocol Tcp "
                                 "--destination-address-prefixes {} --destination-port-ranges {}",
                                 target.port, tag, first_priority + place, tag, target.port),
          .is_template = true};
}

std::vector<Fix> rules_to_add(const std::vector<const Target*>& silent) {
  std::vector<Fix> fixes;
  std::vector<std::string> told;
  for (const auto* target : silent) {
    if (!target->service_tag || target->port == 0) continue;
    const auto what = fmt::format("{}:{}", *target->service_tag, target->port);
    if (contains(told, what)) continue;
    fixes.push_back(rule_for(*target, told.size()));
    told.push_back(what);
  }
  return fixes;
}

}  // namespace

std::vector<Fix> fixes_by_service_tag(const Report& report, const CheckPlaces& places, const Finding& finding) {
  const auto& outbound = report.node.outbound;
  if (!outbound || finding.only_informs || !is_one_of(silences, finding.code)) return {};
  std::set<std::size_t> in_plan_order;  // what fails in the name of all, and what waits for it
  for (const auto* ids : {&finding.checks, &finding.dependants})
    for (const auto& id : *ids)
      if (const auto place = places.find(id); place != places.end()) in_plan_order.insert(place->second);
  std::vector<const Target*> silent;
  for (const auto place : in_plan_order) silent.push_back(&report.checks[place].target);
  if (outbound->value == "limited" && is_one_of(silences_of_all, finding.code)) return rules_to_add(silent);
  if (outbound->value != "forced-tunnel" || !report.agent.service_tags) return {};
  const auto routes = routes_to_add(*report.agent.service_tags, silent);
  return routes ? std::vector{*routes} : std::vector<Fix>{};
}

}  // namespace vnetprobe
