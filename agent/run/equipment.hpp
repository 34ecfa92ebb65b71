#pragma once

#include "agent/discovery/discover.hpp"
#include "agent/discovery/proxy_choice.hpp"
#include "agent/run/gate.hpp"
#include "probes/connect_to.hpp"
#include "probes/tls.hpp"

namespace vnetprobe {

// The limit of each layer; discovery has filled in the defaults.
struct Limits {
  std::chrono::milliseconds dns{2000}, tcp{5000}, tls{5000}, http{10000}, websocket{10000};
  // getaddrinfo asks the second server only after glibc's five seconds: what a program on this node waits for.
  std::chrono::milliseconds libc{6000};
  std::chrono::milliseconds imds{2000};
  std::chrono::milliseconds websocket_idle{0};  // silence on an open WebSocket before it is tried again; 0: none
};
Limits limits_of(const Timeouts& timeouts);

// What a run probes with. Lives as long as the run.
struct Equipment {
  const Discovery& discovery;
  Surroundings surroundings;
  TlsContext& tls;
  std::vector<ConnectTo> connect_to;
  std::vector<Endpoint> resolvers;  // asked one by one
  bool ask_libc{true};              // false with --resolver: the C library cannot be told of it
  Limits limits;
  // A TLS connection costs some 150 KB while it lives, a connection attempt next to nothing: thousands may wait for
  // silent targets at once, and so many shake hands and make requests.
  std::shared_ptr<Gate> upper_layers = std::make_shared<Gate>(200);
};

// Where to connect for host:port, given the address that it resolved to, and what --connect-to replaced (if it did).
struct Destination {
  Endpoint endpoint;
  std::optional<std::string> instead_of;
};
Destination destination(const Equipment& equipment, const std::string& host, const std::string& address,
                        std::uint16_t port);

}  // namespace vnetprobe
