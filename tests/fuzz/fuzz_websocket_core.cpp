#include "probes/websocket_core.hpp"

#include <algorithm>
#include <cstdlib>

// What a server says. The first byte chooses: whether the handshake is done rightly before the rest comes as frames,
// and in pieces of which size. What the core wants to send stays bounded.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  vnetprobe::WebsocketCore core("wss://a.test/x", {{"Origin", "https://a.test"}});
  std::string bytes;
  if ((data[0] & 1U) != 0)
    bytes = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            core.expected_accept() + "\r\n\r\n";
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1U + (data[0] >> 2U);
  std::size_t sent = core.take_output().size();
  bool pinged = false;
  for (std::size_t at = 0; at < bytes.size() && !core.is_ended(); at += piece) {
    core.receive(bytes.data() + at, std::min(piece, bytes.size() - at));
    if (core.is_open() && !pinged) core.ping("vnetprobe");
    pinged = pinged || core.is_open();
    sent += core.take_output().size();
  }
  if ((data[0] & 2U) != 0) core.close();
  core.end_of_stream();
  sent += core.take_output().size();
  // At most a request, a close and a pong as long as each ping.
  if (sent > 8 * bytes.size() + 4096) std::abort();
  if (core.remote_close_reason().size() > 125 || core.remote_close_code() > 65535) std::abort();
  core.problem();
  core.subprotocol();
  return 0;
}
