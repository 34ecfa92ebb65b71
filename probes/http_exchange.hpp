#pragma once

#include "probes/connection.hpp"
#include "probes/http_facts.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <span>
#include <string>

// The reading of one HTTP answer within bounds, for every probe that speaks HTTP.
namespace vnetprobe {

struct HttpBounds {
  std::uint32_t header_bytes = 64U << 10;
  std::size_t headers_kept = 64;
  std::size_t body_bytes = 64U << 10;
};

// An answer's head and as much of its body as the bounds and the time allow.
struct HttpAnswer {
  std::optional<HttpFailure> error;
  std::optional<std::string> detail;
  int status{};
  std::string reason, version;
  std::vector<HttpHeader> headers;
  int headers_left_out{};
  std::string body;
  bool body_truncated{};
};

// Sends `request` as it is and reads the answer. A body that outlasts the limit or the bound is truncated, which is no failure.
// `is_connect`: a 2xx answer has no body (RFC 9110 section 9.3.6).
asio::awaitable<HttpAnswer> exchange_http(Connection& connection, std::string request, HttpBounds bounds, bool is_connect,
                                          std::chrono::milliseconds limit);

// Serialises a request's head: "GET /x HTTP/1.1", Host, the headers, an empty line. CR and LF in a value are dropped.
std::string request_head(std::string_view method, std::string_view target, std::string_view host,
                         const std::vector<HttpHeader>& headers);

// "Basic dXNlcjpwYXNz" for "user:pass".
std::string basic_credentials(std::string_view credentials);

inline std::string_view user_agent() { return "vnetprobe/" VNETPROBE_VERSION; }

}  // namespace vnetprobe
