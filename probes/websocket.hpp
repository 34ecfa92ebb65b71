#pragma once

#include "probes/connection.hpp"
#include "probes/observation/websocket.hpp"

namespace vnetprobe {

struct WebsocketRequest {
  std::string url;                  // wss:// or ws://, absolute
  std::vector<HttpHeader> headers;  // extra ones
  std::chrono::milliseconds pong_limit{3000};
};

// Handshake over an open connection (TLS already done for wss), then a ping and its pong, then a close.
asio::awaitable<WebsocketObservation> observe_websocket(Connection& connection, WebsocketRequest request,
                                                        bool via_proxy, std::chrono::milliseconds limit);

}  // namespace vnetprobe
