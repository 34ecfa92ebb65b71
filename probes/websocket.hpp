#pragma once

#include "probes/connection.hpp"
#include "probes/observation/websocket.hpp"

namespace vnetprobe {

struct WebsocketRequest {
  std::string url;                  // wss:// or ws://, absolute
  std::vector<HttpHeader> headers;  // extra ones
  std::chrono::milliseconds pong_limit{3000};
  std::chrono::milliseconds idle{0};  // silence after the first pong, then a second ping; 0: none
  std::string connection_header;      // in place of "Upgrade": browsers send "keep-alive, Upgrade"
};

// Handshake over an open connection (TLS already done for wss), then a ping and its pong, the silence that was
// asked for and another ping, then a close. `limit` is for the handshake alone.
asio::awaitable<WebsocketObservation> observe_websocket(Connection& connection, WebsocketRequest request,
                                                        bool via_proxy, std::chrono::milliseconds limit);

}  // namespace vnetprobe
