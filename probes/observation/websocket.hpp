#pragma once

#include "probes/observation/http.hpp"

namespace vnetprobe {

enum class WebsocketFailure {
  timed_out,  // no answer to the handshake
  reset,
  closed,  // EOF before an answer
  malformed,
  not_upgraded,    // an HTTP answer other than 101: `status`
  accept_invalid,  // 101 with a wrong Sec-WebSocket-Accept
  closed_early,    // upgraded, then closed or reset before the pong
  no_pong,         // upgraded, still open, the pong never came
};
BOOST_DESCRIBE_ENUM(WebsocketFailure, timed_out, reset, closed, malformed, not_upgraded, accept_invalid, closed_early,
                    no_pong)

// A WebSocket handshake (RFC 6455), then a ping and its pong, then, where that was asked for, silence and a second
// ping, then a close.
struct WebsocketObservation {
  std::string url;
  Endpoint remote;
  bool via_proxy{};
  std::chrono::microseconds duration{};
  std::optional<WebsocketFailure> error;
  std::optional<std::string> detail;
  int status{};
  std::string reason;
  std::vector<HttpHeader> headers;  // bounded, as in HttpObservation
  int headers_left_out{};
  std::string body_excerpt;
  bool upgraded{};      // 101 and a right Sec-WebSocket-Accept
  bool accept_valid{};  // only meaningful with status 101
  std::optional<std::string> subprotocol;
  std::optional<std::chrono::microseconds> pong_after;
  std::optional<std::chrono::milliseconds> idle;  // how long it was silent after the first pong, on purpose
  std::optional<std::string> connection_header;   // an experiment: sent in place of "Upgrade"
  std::optional<int> close_code;                  // the peer's
  std::optional<std::string> close_reason;
  std::optional<std::chrono::milliseconds> clock_offset;
};
BOOST_DESCRIBE_STRUCT(WebsocketObservation, (),
                      (url, remote, via_proxy, duration, error, detail, status, reason, headers, headers_left_out,
                       body_excerpt, upgraded, accept_valid, subprotocol, pong_after, idle, connection_header,
                       close_code, close_reason, clock_offset))

}  // namespace vnetprobe
