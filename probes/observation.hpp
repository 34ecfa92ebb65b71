#pragma once

#include "probes/observation/azure_local.hpp"
#include "probes/observation/dns.hpp"
#include "probes/observation/host.hpp"
#include "probes/observation/http.hpp"
#include "probes/observation/path.hpp"
#include "probes/observation/proxy.hpp"
#include "probes/observation/tcp.hpp"
#include "probes/observation/tls.hpp"
#include "probes/observation/udp.hpp"
#include "probes/observation/websocket.hpp"

#include <string_view>
#include <variant>

namespace vnetprobe {

// Anything that a probe can see. Every alternative has `duration` and `error` (absent: that layer did its work).
using Seen = std::variant<DnsObservation, TcpObservation, TlsObservation, HttpObservation, WebsocketObservation,
                          ProxyObservation, UdpObservation, ImdsObservation, WireserverObservation, HostObservation,
                          PathObservation>;

// One piece of evidence inside a check. In JSON: `layer`, `ok`, `error`, `duration_ms`, then the members of `seen`.
struct Observation {
  Seen seen;
  std::optional<std::string> follow_up;  // why the agent asked this further question; absent: part of the check's stack
};

// "dns", "tcp", "tls", "http", "websocket", "proxy", "udp", "imds", "wireserver", "host" or "path"
std::string_view layer_of(const Seen& seen);
bool is_ok(const Seen& seen);
std::chrono::microseconds duration_of(const Seen& seen);

}  // namespace vnetprobe
