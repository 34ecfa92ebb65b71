#pragma once

#include <span>
#include <string_view>

namespace vnetprobe::demo {

enum class Fault {
  none,
  dns_nxdomain,
  dns_public_address,
  dns_server_dead,
  storage_firewall,
  tls_intercepted,
  tls_intercepted_untrusted,
  tls_expired,
  tcp_refused,
  tcp_silent,
  websocket_stripped,
  websocket_dropped,
  clock_skew,
  azure_firewall_470,
  imds_dead,
};

// One thing that the simulated VNet can have wrong, and the diagnosis that must come first because of it.
struct FaultEntry {
  std::string_view name;
  Fault fault{};
  std::string_view what;
  std::string_view expected_code;  // empty: healthy
};

std::span<const FaultEntry> all_faults();
const FaultEntry* find_fault(std::string_view name);

}  // namespace vnetprobe::demo
