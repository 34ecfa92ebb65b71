#pragma once

#include "probes/observation/endpoint.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vnetprobe {

enum class HttpFailure {
  timed_out,        // no complete header within the limit
  reset,            // RST
  closed,           // EOF before a complete header
  malformed,        // not HTTP
  headers_too_big,  // over the bound
  send_failed,
  certificate_required,  // the alert by which a server of TLS 1.3 tells, after the handshake, that it wants a client's
                         // certificate (RFC 8446 6.2)
};
BOOST_DESCRIBE_ENUM(HttpFailure, timed_out, reset, closed, malformed, headers_too_big, send_failed,
                    certificate_required)

struct HttpHeader {
  std::string name;  // as received
  std::string value;
};
BOOST_DESCRIBE_STRUCT(HttpHeader, (), (name, value))

// One request and the answer's head, with a bounded excerpt of its body. Credentials in URLs and headers
// (Authorization, Set-Cookie, sig=...) are never stored.
struct HttpObservation {
  std::string method;
  std::string url;
  Endpoint remote;
  bool via_proxy{};  // a plain-HTTP request sent to a proxy, or a request inside a CONNECT tunnel
  std::chrono::microseconds duration{};
  std::optional<HttpFailure> error;
  std::optional<std::string> detail;
  std::optional<std::string> user_agent;  // an experiment: what was sent in place of our own
  std::optional<int> request_bytes;       // an experiment: the size of the body that was sent
  int status{};                           // 0: no answer
  std::string reason;                     // reason phrase
  std::string version;                    // "HTTP/1.1"
  std::vector<HttpHeader> headers;        // bounded in number and length
  int headers_left_out{};
  std::optional<std::string> service_error_code;  // x-ms-error-code, else <Code> of XML, error.code / odata.error.code
                                                  // / errors[0].code of JSON (innermost innererror.code wins)
  std::string body_excerpt;                       // first bytes, made valid UTF-8, control characters escaped
  std::uint64_t body_bytes{};                     // read, at most the bound
  bool body_truncated{};                          // there was more, or its end never came
  std::optional<std::chrono::milliseconds> clock_offset;  // the node's clock minus the answer's `Date`
};
BOOST_DESCRIBE_STRUCT(HttpObservation, (),
                      (method, url, remote, via_proxy, duration, error, detail, user_agent, request_bytes, status,
                       reason, version, headers, headers_left_out, service_error_code, body_excerpt, body_bytes,
                       body_truncated, clock_offset))

}  // namespace vnetprobe
