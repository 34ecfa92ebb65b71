#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {
namespace {

// What is nearer to the node comes first, because it explains what is further away. Two places are less obvious:
// the proxy stands before TCP, since a dead proxy looks like a dead target; the clock stands before TLS, since a wrong
// clock looks like a bad certificate.
std::vector<NamedRule> put_in_order() {
  std::vector<NamedRule> order;
  for (const auto part : {host_rules(),          host_limit_rules(), route_rules(),       ipv6_rules(),
                          host_firewall_rules(), dns_way_rules(),    dns_azure_rules(),   dns_rules(),
                          dns_control_rules(),   dns_source_rules(), dns_record_rules(),  private_endpoint_rules(),
                          proxy_rules(),         outbound_rules(),   azure_local_rules(), experiment_rules(),
                          service_tag_rules(),   tcp_rules(),        udp_rules(),         tcp_control_rules(),
                          clock_rules(),         tls_rules(),        http_filter_rules(), http_rules(),
                          service_rules(),       websocket_rules(),  last_rules()})
    order.insert(order.end(), part.begin(), part.end());
  return order;
}

}  // namespace

std::span<const NamedRule> rules_in_order() {
  static const std::vector<NamedRule> order = put_in_order();
  return order;
}

}  // namespace vnetprobe
