#include "agent/tags/routes.hpp"

#include "agent/plan/plan.hpp"
#include "reports/json/json_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace vnetprobe::tags {
namespace {

struct Wanted {
  std::string service, region;
};

// Letters, digits, '_', '.', '-'; begins and ends with a letter or digit (Azure's rule for resource names).
std::string route_name(const std::string& tag, const Cidr& prefix) {
  constexpr std::size_t longest = 80;
  auto name = tag + "-" + to_string(prefix);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '-';
  // An IPv6 address may have "::" at its end; two dashes in a row are allowed, one at the end is not.
  if (name.size() > longest) name = name.substr(name.size() - longest);
  const auto first = name.find_first_not_of("-._");
  return name.substr(first);
}

std::vector<Wanted> wanted_tags(const RouteRequest& request, const std::string& region, const std::string& pair) {
  std::vector<Wanted> wanted;
  if (request.batch) wanted.push_back({"batchnodemanagement", region});
  if (request.aml) wanted.push_back({"azuremachinelearning", region});
  if (request.aml && !pair.empty()) wanted.push_back({"azuremachinelearning", pair});
  return wanted;
}

struct Source {
  std::string name;
  std::vector<Cidr> prefixes;
};

// Prefixes of the global AML tag that no regional one covers.
Source global_only(const TagFile& file) {
  Source source{.name = "AzureMachineLearning", .prefixes = {}};
  std::vector<Cidr> global, regional;
  for (const auto& tag : file.tags) {
    if (tag.name == "AzureMachineLearning") global = tag.prefixes;
    if (tag.name.starts_with("AzureMachineLearning."))
      regional.insert(regional.end(), tag.prefixes.begin(), tag.prefixes.end());
  }
  for (const bool v6 : {false, true}) {
    const auto left = AddressSet::of(global, v6).minus(AddressSet::of(regional, v6)).minimal(v6);
    source.prefixes.insert(source.prefixes.end(), left.begin(), left.end());
  }
  return source;
}

std::vector<Route> routes_of(const std::vector<Source>& sources, bool v6) {
  std::vector<Route> routes;
  std::map<std::string, std::size_t> known;
  for (const auto& source : sources)
    for (const auto& prefix : source.prefixes) {
      if (prefix.v6 != v6 || !known.emplace(to_string(prefix), routes.size()).second) continue;
      routes.push_back({.name = route_name(source.name, prefix), .prefix = prefix, .tag = source.name});
    }
  return routes;
}

std::vector<Route> aggregated(const std::vector<Source>& sources, bool v6) {
  std::vector<Cidr> all;
  for (const auto& source : sources) all.insert(all.end(), source.prefixes.begin(), source.prefixes.end());
  std::vector<Route> routes;
  for (const auto& prefix : AddressSet::of(all, v6).minimal(v6)) {
    std::vector<std::string> tags;
    for (const auto& source : sources) {
      const bool part = std::any_of(source.prefixes.begin(), source.prefixes.end(),
                                    [&](const Cidr& one) { return prefix.contains(one) || one.contains(prefix); });
      if (part) tags.push_back(source.name);
    }
    const auto joined = fmt::format("{}", fmt::join(tags, "+"));
    routes.push_back({.name = route_name(tags.front(), prefix), .prefix = prefix, .tag = joined});
  }
  return routes;
}

void add_notes(RoutePlan& plan) {
  const auto count = plan.routes.size();
  if (count <= routes_in_a_table)
    plan.notes.push_back(fmt::format("{} routes; Azure allows {} in one route table, which leaves {}", count,
                                     routes_in_a_table, routes_in_a_table - count));
  else
    plan.notes.push_back(
        fmt::format("{} routes are more than the {} that Azure allows in one route table; use --aggregate", count,
                    routes_in_a_table));
  if (has_no_pair(plan.region))
    plan.notes.push_back(
        fmt::format("{} has no paired region: there is no secondary AzureMachineLearning tag to route", plan.region));
  else if (plan.pair.empty())
    plan.notes.push_back(fmt::format(
        "this version does not know whether {} has a paired region, to whose AzureMachineLearning tag there "
        "would have to be routes too",
        plan.region));
  else
    plan.notes.push_back(fmt::format("AzureMachineLearning of the paired region {} is among them", plan.pair));
}

}  // namespace

RoutePlan plan_routes(const TagFile& file, const RouteRequest& request) {
  RoutePlan plan;
  plan.region = canonical_region(request.region);
  plan.pair = canonical_region(paired_region(plan.region));
  std::vector<Source> sources;
  for (const auto& wanted : wanted_tags(request, plan.region, plan.pair)) {
    const auto found = find_tag(file, wanted.service, wanted.region);
    if (found.tag) {
      sources.push_back({found.tag->name, found.tag->prefixes});
    } else if (wanted.region == plan.region) {
      plan.error = found.error;
      return plan;
    } else {
      plan.notes.push_back(fmt::format("the file has no AzureMachineLearning tag for the paired region {}", plan.pair));
    }
  }
  if (request.with_global) sources.push_back(global_only(file));
  for (const bool v6 : {false, true}) {
    if (v6 && !request.ipv6) continue;
    auto routes = request.aggregate ? aggregated(sources, v6) : routes_of(sources, v6);
    plan.routes.insert(plan.routes.end(), std::make_move_iterator(routes.begin()),
                       std::make_move_iterator(routes.end()));
  }
  add_notes(plan);
  return plan;
}

std::string routes_as_az(const RoutePlan& plan) {
  std::string out =
      "# Fill in the route table of the compute's "
      "subnet:\nRESOURCE_GROUP=<resource-group>\nROUTE_TABLE=<route-table>\n";
  for (const auto& route : plan.routes)
    out += fmt::format(
        "az network route-table route create --resource-group \"$RESOURCE_GROUP\" --route-table-name \"$ROUTE_TABLE\" "
        "--name {} --address-prefix {} --next-hop-type Internet\n",
        route.name, to_string(route.prefix));
  return out;
}

std::string routes_as_bicep(const RoutePlan& plan) {
  std::string out = fmt::format(
      "param name string = 'aml-{}'\nparam location string = resourceGroup().location\n\n"
      "resource table 'Microsoft.Network/routeTables@2023-09-01' = {{\n  name: name\n  location: location\n"
      "  properties: {{\n    routes: [\n",
      plan.region);
  for (const auto& route : plan.routes)
    out += fmt::format(
        "      {{\n        name: '{}'\n        properties: {{\n          addressPrefix: '{}'\n          nextHopType: "
        "'Internet'\n        }}\n      }}\n",
        route.name, to_string(route.prefix));
  return out + "    ]\n  }\n}\n";
}

std::string routes_as_terraform(const RoutePlan& plan) {
  std::string out = fmt::format(
      "variable \"location\" {{\n  type = string\n}}\n\nvariable \"resource_group_name\" {{\n  type = string\n}}\n\n"
      "resource \"azurerm_route_table\" \"aml\" {{\n  name                = \"aml-{}\"\n"
      "  location            = var.location\n  resource_group_name = var.resource_group_name\n",
      plan.region);
  for (const auto& route : plan.routes)
    out += fmt::format(
        "\n  route {{\n    name           = \"{}\"\n    address_prefix = \"{}\"\n    next_hop_type  = \"Internet\"\n  "
        "}}\n",
        route.name, to_string(route.prefix));
  return out + "}\n";
}

std::string routes_as_json(const RoutePlan& plan) {
  JsonWriter out;
  out.begin_array();
  for (const auto& route : plan.routes) {
    out.begin_object();
    for (const auto& [key, value] : std::initializer_list<std::pair<std::string_view, std::string>>{
             {"name", route.name}, {"prefix", to_string(route.prefix)}, {"next_hop", "Internet"}, {"tag", route.tag}}) {
      out.key(key);
      out.text(value);
    }
    out.end_object();
  }
  out.end_array();
  return out.take();
}

std::string routes_as_table(const RoutePlan& plan) {
  std::size_t widest = 6;
  for (const auto& route : plan.routes) widest = std::max(widest, to_string(route.prefix).size());
  std::string out = fmt::format("{:{}}  {:8}  {}\n", "PREFIX", widest, "NEXT HOP", "TAG");
  for (const auto& route : plan.routes)
    out += fmt::format("{:{}}  {:8}  {}\n", to_string(route.prefix), widest, "Internet", route.tag);
  return out;
}

}  // namespace vnetprobe::tags
