#pragma once

#include "probes/connection.hpp"
#include "probes/observation/proxy.hpp"

namespace vnetprobe {

// An HTTP proxy as the environment names it. `credentials` ("user:password", percent-decoded) are sent as Basic and
// never observed.
struct ProxyAddress {
  std::string host;
  std::uint16_t port{};
  std::string credentials;
  std::string user_agent;  // sent with CONNECT; empty: our own
};

struct ProxyResult {
  ProxyObservation seen;
  std::optional<asio::ip::tcp::socket> socket;  // the tunnel, present exactly when `seen.error` is absent
};

// Sends CONNECT host:port over an open connection to the proxy.
asio::awaitable<ProxyResult> open_tunnel(asio::ip::tcp::socket socket, ProxyAddress proxy, std::string host,
                                         std::uint16_t port, std::chrono::milliseconds limit);

}  // namespace vnetprobe
