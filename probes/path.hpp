#pragma once

#include "probes/observation/path.hpp"
#include "probes/tls.hpp"

namespace vnetprobe {

struct PathBounds {
  int hops{30};
  std::chrono::milliseconds limit{1500};  // for all hops together; those that keep silent on the way get it twice
};

// A SYN with every TTL from 1 to `bounds.hops`, from a socket of its own each.
asio::awaitable<PathObservation> trace_syn(Endpoint remote, PathBounds bounds);

// Connects with the normal TTL, then sends a ClientHello for `server_name` with every TTL from 1 to `bounds.hops`, on a
// connection of its own each. Who resets at a TTL that the server cannot have seen stands on the way. `connect_limit`
// bounds the connecting.
asio::awaitable<PathObservation> trace_client_hello(Endpoint remote, TlsContext& context, std::string server_name,
                                                    std::chrono::milliseconds connect_limit, PathBounds bounds);

}  // namespace vnetprobe
