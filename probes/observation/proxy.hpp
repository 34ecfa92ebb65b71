#pragma once

#include "probes/observation/http.hpp"

namespace vnetprobe {

enum class ProxyFailure {
  timed_out,  // no answer to CONNECT
  reset,      // connection broke during CONNECT
  closed,
  malformed,  // not HTTP
  denied,     // any status but 2xx: `status`
};
BOOST_DESCRIBE_ENUM(ProxyFailure, timed_out, reset, closed, malformed, denied)

// CONNECT through an HTTP proxy. The TCP connection to the proxy is an observation of its own, before this one.
struct ProxyObservation {
  std::string proxy;   // "http://proxy:3128", never with credentials
  std::string target;  // "host:443"
  Endpoint remote;
  std::chrono::microseconds duration{};
  std::optional<ProxyFailure> error;
  int status{};
  std::string reason;
  std::vector<HttpHeader> headers;
  std::vector<std::string> authentication_schemes;  // of Proxy-Authenticate
  bool credentials_sent{};
  std::optional<std::string> user_agent;  // an experiment: what was sent in place of our own
  std::string body_excerpt;
};
BOOST_DESCRIBE_STRUCT(ProxyObservation, (),
                      (proxy, target, remote, duration, error, status, reason, headers, authentication_schemes,
                       credentials_sent, user_agent, body_excerpt))

}  // namespace vnetprobe
