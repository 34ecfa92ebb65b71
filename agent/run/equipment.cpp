#include "agent/run/equipment.hpp"

#include <algorithm>

namespace vnetprobe {

Limits limits_of(const Timeouts& timeouts) {
  Limits limits;
  limits.dns = timeouts.dns.value_or(limits.dns);
  limits.tcp = timeouts.tcp.value_or(limits.tcp);
  limits.tls = timeouts.tls.value_or(limits.tls);
  limits.http = timeouts.http.value_or(limits.http);
  limits.websocket = timeouts.websocket.value_or(limits.websocket);
  limits.websocket_idle = timeouts.websocket_idle.value_or(limits.websocket_idle);
  limits.libc = std::max(limits.libc, limits.dns);
  return limits;
}

Destination destination(const Equipment& equipment, const std::string& host, const std::string& address,
                        std::uint16_t port) {
  Endpoint original{.address = address, .port = port};
  auto replacement = replacement_for(equipment.connect_to, host, port);
  if (!replacement) return {.endpoint = std::move(original), .instead_of = {}};
  if (replacement->address.empty()) replacement->address = address;
  if (replacement->port == 0) replacement->port = port;
  return {.endpoint = std::move(*replacement), .instead_of = to_string(original)};
}

}  // namespace vnetprobe
