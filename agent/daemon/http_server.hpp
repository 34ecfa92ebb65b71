#pragma once

#include "probes/observation/endpoint.hpp"
#include "probes/within.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// A small HTTP/1.1 server for a few pages: GET and HEAD, one request a connection. Bounded in everything that a client
// can choose: connections, time, size of a request.
namespace vnetprobe {

struct PageRequest {
  std::string path;                                        // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  bool wants_json{};                                       // Accept names application/json and not text/html
  std::chrono::milliseconds patience{};                    // of a Prometheus that scrapes; 0: it did not say
};

struct Page {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

using Pages = std::function<asio::awaitable<Page>(PageRequest request)>;

struct ServerOptions {
  Endpoint listen;
  std::string certificate_file, key_file;  // both empty: plain HTTP
  std::string token;                       // empty: nobody has to show one
  bool operator==(const ServerOptions&) const = default;
};

// Why this must not be served as it is: empty, or a sentence that says what to write instead. An address that is not
// loopback needs TLS and a token, unless it is a private one: then their absence is worth a remark only.
struct ListenJudgement {
  std::string refusal, remark;
};
ListenJudgement judge_listening(const ServerOptions& options);

struct ServerCounts {
  long requests{}, refused{};  // refused: bad requests, wrong or missing token, connections dropped for want of room
};

// Served to everybody who can connect, also where the others need a token: it says nothing but "ok" or "stale".
inline constexpr std::string_view health_path = "/healthz";

struct ServerState;

class HttpServer {
 public:
  // Binds at once. Throws std::runtime_error with the address, or the file, and what is wrong with it.
  HttpServer(asio::any_io_executor executor, const ServerOptions& options, Pages pages);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Connections under way come to an end of their own; nobody is accepted any more.
  ~HttpServer();

  Endpoint address() const;  // with the port that was chosen for port 0
  ServerCounts counts() const;

  static constexpr int connections_at_most = 128;

 private:
  std::shared_ptr<ServerState> state_;
};

}  // namespace vnetprobe
