#include "probes/observation.hpp"

namespace vnetprobe {
namespace {

struct LayerName {
  std::string_view operator()(const DnsObservation&) const { return "dns"; }
  std::string_view operator()(const TcpObservation&) const { return "tcp"; }
  std::string_view operator()(const TlsObservation&) const { return "tls"; }
  std::string_view operator()(const HttpObservation&) const { return "http"; }
  std::string_view operator()(const WebsocketObservation&) const { return "websocket"; }
  std::string_view operator()(const ProxyObservation&) const { return "proxy"; }
  std::string_view operator()(const UdpObservation&) const { return "udp"; }
  std::string_view operator()(const ImdsObservation&) const { return "imds"; }
  std::string_view operator()(const WireserverObservation&) const { return "wireserver"; }
  std::string_view operator()(const HostObservation&) const { return "host"; }
  std::string_view operator()(const PathObservation&) const { return "path"; }
};

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

std::string_view layer_of(const Seen& seen) { return std::visit(LayerName{}, seen); }

bool is_ok(const Seen& seen) {
  if (const auto* wireserver = std::get_if<WireserverObservation>(&seen))
    return !wireserver->error && !wireserver->tcp.error;
  return std::visit([](const auto& observation) { return !observation.error; }, seen);
}

std::chrono::microseconds duration_of(const Seen& seen) {
  return std::visit([](const auto& observation) { return observation.duration; }, seen);
}

}  // namespace vnetprobe
