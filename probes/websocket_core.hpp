#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vnetprobe {

// websocketpp's client without a transport: bytes in, bytes out, no socket and no clock. Its own translation unit is
// C++17 (see CMakeLists.txt), so this header uses nothing newer.
class WebsocketCore {
 public:
  // Prepares the handshake for an absolute ws:// or wss:// URL. `problem()` tells when that failed.
  // `connection_header` in place of "Upgrade", where it is not empty.
  WebsocketCore(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                const std::string& connection_header = std::string());
  ~WebsocketCore();
  WebsocketCore(const WebsocketCore&) = delete;
  WebsocketCore& operator=(const WebsocketCore&) = delete;

  // Bytes from the peer. Never throws; a protocol violation ends the connection and is told by `problem()`.
  void receive(const char* bytes, std::size_t size);
  // The peer closed its side.
  void end_of_stream();
  // What has to be sent since the last call.
  std::string take_output();

  void ping(const std::string& payload);
  void close();

  bool is_open() const;         // the handshake was accepted, Sec-WebSocket-Accept was right, and nobody has closed
  bool was_open() const;        // it was at some time
  bool is_ended() const;        // closed or failed, or the peer broke the protocol (then `problem` says how)
  bool close_seen() const;      // a close frame came
  bool pong_seen() const;       // with the payload of the last ping
  std::string problem() const;  // why it failed, empty otherwise
  std::string expected_accept()
      const;  // the Sec-WebSocket-Accept that belongs to the key sent (RFC 6455 section 4.2.2)
  std::string subprotocol() const;
  int remote_close_code() const;  // 0: no close frame came
  std::string remote_close_reason() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vnetprobe
