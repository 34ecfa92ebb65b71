#pragma once

#include "agent/config/settings.hpp"
#include "probes/connect_to.hpp"
#include "probes/http_exchange.hpp"
#include "probes/tls.hpp"

#include <map>

namespace vnetprobe::delivery {

// How requests leave this node: as the node's own settings say.
struct Uplink {
  TlsContext& tls;
  Setting<std::string> proxy;
  std::map<std::string, std::string> environment;
  std::vector<ConnectTo> connect_to;
  std::chrono::milliseconds limit{30000};  // for each step: resolve, connect, handshake, exchange
};

struct Upload {
  std::string method, url;
  std::vector<HttpHeader> headers;  // in addition to Host, User-Agent, Content-Length and Connection
  std::string body;
};

// What came of a request: an answer's status and headers, or why there is none ("connect: ECONNREFUSED").
struct ServerReply {
  int status{};
  std::vector<HttpHeader> headers;
  std::string body;  // bounded
  std::string problem;
  bool untrusted{};  // the server's certificate did not verify: nothing was sent
};
std::string_view header(const ServerReply& reply, std::string_view name);

// One request on a connection of its own: through the proxy where the node uses one, over verified TLS for https. A
// redirect is not followed.
asio::awaitable<ServerReply> upload(Upload request, const Uplink& uplink);

// "https://host:port/path" without user information and query, for people.
std::string without_secrets(std::string_view url);

}  // namespace vnetprobe::delivery
