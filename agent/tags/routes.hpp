#pragma once

#include "agent/tags/names.hpp"

namespace vnetprobe::tags {

// A user-defined route with next hop Internet (article: "Forced tunneling").
struct Route {
  std::string name;  // unique, of characters that Azure accepts, at most 80
  Cidr prefix;
  std::string tag;  // whose addresses these are; several joined by '+' where they were aggregated
};

struct RouteRequest {
  std::string region;
  bool batch = true, aml = true;
  bool with_global{};  // the prefixes that only the global AML tag has (azure-facts 5.4)
  bool ipv6{};
  bool aggregate{};
};

struct RoutePlan {
  std::vector<Route> routes;
  std::string region, pair;        // canonical; `pair` empty: none is known
  std::vector<std::string> notes;  // for the reader: how many, what a missing pair means
  std::string error;
};

inline constexpr std::size_t routes_in_a_table = 400;  // Azure's limit

// Batch of the region, AML of the region and of its pair.
RoutePlan plan_routes(const TagFile& file, const RouteRequest& request);

std::string routes_as_az(const RoutePlan& plan);
std::string routes_as_bicep(const RoutePlan& plan);
std::string routes_as_terraform(const RoutePlan& plan);
std::string routes_as_json(const RoutePlan& plan);
std::string routes_as_table(const RoutePlan& plan);

}  // namespace vnetprobe::tags
