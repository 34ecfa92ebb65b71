#pragma once

#include "probes/observation/http.hpp"
#include "probes/observation/tcp.hpp"

namespace vnetprobe {

enum class ImdsFailure {
  timed_out,
  refused,
  unreachable,  // no route, ICMP, EPERM: see `tcp`
  closed,
  http_status,  // an answer other than 200
  not_json,     // 200 with something else than a JSON object
  too_big,
  via_proxy,  // the answer carries a Via header or another sign of a proxy
};
BOOST_DESCRIBE_ENUM(ImdsFailure, timed_out, refused, unreachable, closed, http_status, not_json, too_big, via_proxy)

// The instance metadata service (azure-facts 3.1 - 3.5): asked directly, never through a proxy.
// Only the fields below are kept: tags, custom data and osProfile may hold secrets.
struct ImdsObservation {
  std::string url;
  Endpoint remote;
  std::chrono::microseconds duration{};
  std::optional<ImdsFailure> error;
  std::optional<std::string> detail;
  int status{};
  std::vector<HttpHeader> headers;
  Rare<TcpObservation> tcp;  // the failed connection
  Rare<std::string> environment, location, name, resource_group, subscription, vm_id, vm_size, scale_set, zone, os_type,
      publisher, offer, sku;
  std::vector<std::string> private_addresses;
  std::vector<std::string> public_addresses;
  std::vector<std::string> subnets;  // CIDR
  std::vector<std::string> mac_addresses;
  std::optional<bool>
      has_identity;  // a managed identity is assigned; absent: the service did not say. No token is asked for
};
BOOST_DESCRIBE_STRUCT(ImdsObservation, (),
                      (url, remote, duration, error, detail, status, headers, tcp, environment, location, name,
                       resource_group, subscription, vm_id, vm_size, scale_set, zone, os_type, publisher, offer, sku,
                       private_addresses, public_addresses, subnets, mac_addresses, has_identity))

// One WireServer port (azure-facts 3.6). A non-root process is dropped silently on a healthy VM: `uid` is part of the
// fact.
struct WireserverObservation {
  std::string url;
  Endpoint remote;
  unsigned uid{};
  std::chrono::microseconds duration{};
  std::optional<HttpFailure> error;  // the exchange failed after the connection
  std::optional<std::string> detail;
  TcpObservation tcp;
  int status{};
  std::vector<std::string> versions;
};
BOOST_DESCRIBE_STRUCT(WireserverObservation, (), (url, remote, uid, duration, error, detail, tcp, status, versions))

}  // namespace vnetprobe
