#pragma once

#include "agent/tags/routes.hpp"

namespace vnetprobe::tags {

// A route of an exported table.
struct TableRoute {
  std::string name;
  Cidr prefix;
  std::string next_hop;  // as Azure spells it: Internet, VirtualAppliance, VnetLocal, ...
  std::string address;   // of the appliance, where there is one
};

struct RouteTableRead {
  std::vector<TableRoute> routes;
  std::vector<std::string> errors;
};
// What `az network route-table show`, `az network route-table route list` or
// `az network nic show-effective-route-table` prints. Routes to a service tag by name (Azure knows them) are kept out:
// `tag_routes` names them.
RouteTableRead read_route_table(std::string_view bytes, const std::string& path, std::vector<std::string>* tag_routes);

struct AuditItem {
  Cidr prefix;           // needed, or of the superfluous route
  std::string tag;       // whose addresses these are
  std::string route;     // the route that is wrong, shadows or is superfluous
  std::string next_hop;  // its next hop
};
struct Audit {
  std::vector<AuditItem> missing, superfluous, shadowed, wrong_next_hop;
  bool complete() const { return missing.empty() && shadowed.empty() && wrong_next_hop.empty(); }
};
// Decided by longest prefix, as Azure does. A default route to the internet needs no others.
Audit audit(const RoutePlan& needed, const std::vector<TableRoute>& table);

}  // namespace vnetprobe::tags
