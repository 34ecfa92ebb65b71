#include "agent/tags/audit.hpp"

#include "agent/tags/tag_file.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace vnetprobe::tags {
namespace {

namespace json = boost::json;

const json::value* member(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto* value = object.if_contains(name)) return value;
  return nullptr;
}

std::string text_of(const json::value* value) {
  if (!value) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  const auto* list = value->if_array();
  return list && !list->empty() ? text_of(&list->front()) : std::string();
}

std::vector<std::string> texts_of(const json::value* value) {
  std::vector<std::string> texts;
  if (!value) return texts;
  if (const auto* list = value->if_array()) {
    for (const auto& one : *list) texts.push_back(text_of(&one));
  } else {
    texts.push_back(text_of(value));
  }
  return texts;
}

// az prints either the resource's own shape or, from ARM, one with `properties`.
const json::object& inner(const json::object& object) {
  const auto* properties = object.if_contains("properties");
  return properties && properties->is_object() ? properties->get_object() : object;
}

const json::array* routes_in(const json::value& root) {
  if (const auto* list = root.if_array()) return list;
  const auto* object = root.if_object();
  if (!object) return nullptr;
  const auto* list = member(inner(*object), {"routes", "value"});
  return list ? list->if_array() : nullptr;
}

bool is_internet(const TableRoute& route) { return route.next_hop == "Internet"; }

// The longest of the routes that cover all of `prefix`.
const TableRoute* covering(const std::vector<TableRoute>& table, const Cidr& prefix) {
  const TableRoute* best = nullptr;
  for (const auto& route : table)
    if (route.prefix.contains(prefix) && (!best || route.prefix.length > best->prefix.length)) best = &route;
  return best;
}

AuditItem item(const Cidr& prefix, const std::string& tag, const TableRoute* route) {
  return {.prefix = prefix, .tag = tag, .route = route ? route->name : "", .next_hop = route ? route->next_hop : ""};
}

void audit_one(const Route& needed, const std::vector<TableRoute>& table, Audit& result) {
  const auto* around = covering(table, needed.prefix);
  const bool by_default = !around || around->prefix.length == 0;
  if (around && !by_default && !is_internet(*around)) {
    result.wrong_next_hop.push_back(item(needed.prefix, needed.tag, around));
    return;
  }
  std::vector<Cidr> good;
  for (const auto& route : table) {
    if (!needed.prefix.contains(route.prefix) || route.prefix == needed.prefix) continue;
    if (is_internet(route))
      good.push_back(route.prefix);
    else
      result.shadowed.push_back(item(route.prefix, needed.tag, &route));
  }
  if (around && is_internet(*around)) return;
  const bool v6 = needed.prefix.v6;
  for (const auto& left : AddressSet::of({needed.prefix}, v6).minus(AddressSet::of(good, v6)).minimal(v6))
    result.missing.push_back(item(left, needed.tag, around));
}

}  // namespace

RouteTableRead read_route_table(std::string_view bytes, const std::string& path, std::vector<std::string>* tag_routes) {
  RouteTableRead read;
  const auto start = bytes.find_first_of("[{");
  boost::system::error_code problem;
  const auto root = json::parse(start == std::string_view::npos ? std::string_view() : bytes.substr(start), problem);
  const auto* routes = problem ? nullptr : routes_in(root);
  if (!routes) {
    read.errors.push_back(
        fmt::format("{}: {}; expected what `az network route-table show -o json` or `az network nic "
                    "show-effective-route-table -o json` prints",
                    path, problem ? problem.message() : "no routes in it"));
    return read;
  }
  for (std::size_t i = 0; i < routes->size(); ++i) {
    const auto* object = (*routes)[i].if_object();
    if (!object) {
      read.errors.push_back(fmt::format("{}: route {}: expected an object", path, i));
      continue;
    }
    const auto& route = inner(*object);
    // Of an effective route table: what Azure has put aside counts no more.
    if (text_of(route.if_contains("state")) == "Invalid") continue;
    auto prefixes = texts_of(member(route, {"addressPrefix", "addressPrefixes"}));
    const auto name = text_of(object->if_contains("name"));
    for (const auto& prefix : prefixes) {
      const auto parsed = parse_cidr(prefix);
      if (parsed.value) {
        read.routes.push_back({.name = name.empty() ? prefix : name,
                               .prefix = *parsed.value,
                               .next_hop = text_of(route.if_contains("nextHopType")),
                               .address = text_of(route.if_contains("nextHopIpAddress"))});
      } else if (prefix.find('/') == std::string::npos && !prefix.empty() && tag_routes) {
        tag_routes->push_back(prefix);
      } else {
        read.errors.push_back(fmt::format("{}: route {}: '{}' {}", path, name, prefix.substr(0, 60), parsed.error));
      }
    }
  }
  return read;
}

Audit audit(const RoutePlan& needed, const std::vector<TableRoute>& table) {
  Audit result;
  for (const auto& route : needed.routes) audit_one(route, table, result);
  for (const auto& route : table) {
    if (!is_internet(route) || route.prefix.length == 0) continue;
    const bool useful = std::any_of(needed.routes.begin(), needed.routes.end(), [&](const Route& one) {
      return one.prefix.contains(route.prefix) || route.prefix.contains(one.prefix);
    });
    if (!useful) result.superfluous.push_back(item(route.prefix, "", &route));
  }
  return result;
}

}  // namespace vnetprobe::tags
