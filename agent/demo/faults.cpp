#include "agent/demo/faults.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe::demo {
namespace {

constexpr std::array faults{
    FaultEntry{"none", Fault::none, "a healthy network", ""},
    FaultEntry{"dns-nxdomain", Fault::dns_nxdomain, "the workspace's API name does not exist", "dns.record.nxdomain"},
    FaultEntry{"dns-public-address", Fault::dns_public_address,
               "the blob name has a private endpoint but resolves to a public address",
               "private_endpoint.zone_not_linked"},
    FaultEntry{"dns-server-dead", Fault::dns_server_dead, "the DNS server never answers", "dns.resolver.unreachable"},
    FaultEntry{"storage-firewall", Fault::storage_firewall, "the storage account's firewall refuses this network",
               "storage.denied_by_firewall"},
    FaultEntry{"tls-intercepted", Fault::tls_intercepted,
               "a proxy in the path inspects TLS of the public services; its root is trusted here", "tls.intercepted"},
    FaultEntry{"tls-intercepted-untrusted", Fault::tls_intercepted_untrusted,
               "the same, and its root is not trusted here", "tls.intercepted_untrusted"},
    FaultEntry{"tls-expired", Fault::tls_expired, "the key vault presents an expired certificate", "tls.cert_expired"},
    FaultEntry{"tcp-refused", Fault::tcp_refused, "nothing listens at the registry's address", "tcp.refused_by_host"},
    FaultEntry{"tcp-silent", Fault::tcp_silent, "connections to Azure Resource Manager get no answer", "tcp.timeout"},
    FaultEntry{"websocket-stripped", Fault::websocket_stripped, "something in the path removes the WebSocket upgrade",
               "websocket.upgrade_stripped"},
    FaultEntry{"websocket-dropped", Fault::websocket_dropped, "WebSockets open and are cut at once",
               "websocket.closed_early"},
    FaultEntry{"clock-skew", Fault::clock_skew, "this node's clock is two hours off", "clock.skew"},
    FaultEntry{"azure-firewall-470", Fault::azure_firewall_470,
               "an Azure Firewall application rule denies the Microsoft container registry", "http.firewall_denied"},
    FaultEntry{"imds-dead", Fault::imds_dead, "the instance metadata service does not answer", "imds.unreachable"},
};

}  // namespace

std::span<const FaultEntry> all_faults() { return faults; }

const FaultEntry* find_fault(std::string_view name) {
  if (name == "healthy") name = "none";
  const auto found = std::ranges::find(faults, name, &FaultEntry::name);
  return found == faults.end() ? nullptr : &*found;
}

}  // namespace vnetprobe::demo
