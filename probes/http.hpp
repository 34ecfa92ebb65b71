#pragma once

#include "probes/connection.hpp"
#include "probes/observation/http.hpp"

namespace vnetprobe {

struct HttpRequest {
  std::string method = "GET";
  std::string url;                  // absolute; Host and path are taken from it
  std::vector<HttpHeader> headers;  // in addition to Host, User-Agent, Accept and Connection: close
  std::string user_agent;           // empty: our own
  std::string body;                 // sent as application/octet-stream; empty: none
  bool absolute_form{};             // a plain-HTTP request to a proxy (RFC 9112 3.2.2)
  std::string proxy_credentials;    // with absolute_form: sent as Basic Proxy-Authorization, never observed
};

// One request on an open connection. Bounds: 64 KiB of header, 64 headers of 1 KiB kept, 64 KiB of body read, 1 KiB of
// it kept.
asio::awaitable<HttpObservation> observe_http(Connection& connection, HttpRequest request, bool via_proxy,
                                              std::chrono::milliseconds limit);

}  // namespace vnetprobe
