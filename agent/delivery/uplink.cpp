#include "agent/delivery/uplink.hpp"

#include "agent/discovery/proxy_choice.hpp"
#include "probes/dns.hpp"
#include "probes/proxy.hpp"
#include "probes/tcp.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>

namespace vnetprobe::delivery {
namespace {

struct Where {
  bool secure{};
  std::string host;
  std::uint16_t port{};
  std::string target, authority;
};

std::optional<Where> where(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  const auto parts = split_url(url);
  if (!parsed || !parts) return std::nullopt;
  const bool secure = parsed->scheme() == "https";
  const auto plain_port = static_cast<std::uint16_t>(secure ? 443 : 80);
  std::string host = parsed->host_address();
  return Where{.secure = secure,
               .host = std::move(host),
               .port = parsed->has_port() && parsed->port_number() != 0 ? parsed->port_number() : plain_port,
               .target = parts->target,
               .authority = parts->authority};
}

asio::awaitable<std::vector<std::string>> addresses_of(std::string host, std::chrono::milliseconds limit) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{host};
  auto seen = co_await observe_libc(std::move(host), limit);
  co_return std::move(seen.addresses);
}

// One connection to host:port, or the reason for none.
asio::awaitable<std::optional<asio::ip::tcp::socket>> connect(std::string host, std::uint16_t port,
                                                              const Uplink& uplink, std::string& problem) {
  std::vector<Endpoint> endpoints;
  const auto replacement = replacement_for(uplink.connect_to, host, port);
  if (replacement && !replacement->address.empty()) {
    endpoints.push_back({.address = replacement->address, .port = replacement->port ? replacement->port : port});
  } else {
    const auto addresses = co_await addresses_of(host, uplink.limit);
    for (const auto& address : addresses)
      endpoints.push_back({.address = address, .port = replacement && replacement->port ? replacement->port : port});
    if (addresses.empty()) problem = host + ": the name does not resolve";
  }
  std::optional<asio::ip::tcp::socket> socket;
  for (const auto& endpoint : endpoints) {
    auto opened = co_await open_tcp(endpoint, uplink.limit);
    if (opened.socket) {
      problem.clear();
      socket = std::move(opened.socket);
      break;
    }
    problem = fmt::format("{}: {}", to_string(endpoint), opened.seen.errno_name.value_or("timed out"));
  }
  co_return socket;
}

std::string serialised(const Upload& request, const Where& to, const std::string& target,
                       const std::string& proxy_credentials) {
  auto headers = request.headers;
  headers.push_back({"User-Agent", std::string(user_agent())});
  headers.push_back({"Content-Length", std::to_string(request.body.size())});
  headers.push_back({"Connection", "close"});
  if (!proxy_credentials.empty()) headers.push_back({"Proxy-Authorization", basic_credentials(proxy_credentials)});
  return request_head(request.method, target, to.authority, headers) + request.body;
}

}  // namespace

std::string_view header(const ServerReply& reply, std::string_view name) {
  for (const auto& one : reply.headers)
    if (lower_case(one.name) == name) return one.value;
  return {};
}

std::string without_secrets(std::string_view url) {
  std::string text(url.substr(0, url.find_first_of("?#")));
  const auto scheme = text.find("://");
  const auto start = scheme == std::string::npos ? 0 : scheme + 3;
  const auto end = text.find('/', start);
  const auto user = text.rfind('@', end);
  if (user != std::string::npos && user >= start) text.erase(start, user + 1 - start);
  return printable(text, 300);
}

asio::awaitable<ServerReply> upload(Upload request, const Uplink& uplink) {
  ServerReply reply;
  const auto to = where(request.url);
  if (!to) {
    reply.problem = "no absolute URL: " + without_secrets(request.url);
    co_return reply;
  }
  const auto proxy = choose_proxy(uplink.proxy, uplink.environment, to->secure ? "https" : "http", to->host, to->port);
  const std::string first_host = proxy ? proxy->address.host : to->host;
  const std::uint16_t first_port = proxy ? proxy->address.port : to->port;
  auto socket = co_await connect(first_host, first_port, uplink, reply.problem);
  if (!socket) {
    if (proxy) reply.problem = "proxy " + reply.problem;
    co_return reply;
  }
  std::string target = to->target;
  std::string proxy_credentials;
  if (proxy && to->secure) {
    auto tunnel = co_await open_tunnel(std::move(*socket), proxy->address, to->host, to->port, uplink.limit);
    if (!tunnel.socket) {
      reply.problem = tunnel.seen.status > 0 ? fmt::format("the proxy answers CONNECT with {}", tunnel.seen.status)
                                             : "the proxy does not answer CONNECT";
      co_return reply;
    }
    socket = std::move(tunnel.socket);
  } else if (proxy) {
    target = fmt::format("http://{}{}", to->authority, to->target);
    proxy_credentials = proxy->address.credentials;
  }
  Connection connection = std::move(*socket);
  if (to->secure) {
    auto raw = std::get<asio::ip::tcp::socket>(std::move(connection));
    TlsRequest wanted;
    wanted.server_name = to->host;
    auto shaken = co_await open_tls(std::move(raw), uplink.tls, std::move(wanted), uplink.limit);
    if (!shaken.seen.verified) {
      reply.untrusted = shaken.stream != nullptr;
      reply.problem = reply.untrusted
                          ? "the server's certificate does not verify: " + shaken.seen.verify_error.value_or("unknown")
                          : "the TLS handshake failed";
      co_return reply;
    }
    connection = std::move(shaken.stream);
  }
  std::string bytes = serialised(request, *to, target, proxy_credentials);
  const HttpBounds bounds;
  auto answer = co_await exchange_http(connection, std::move(bytes), bounds, false, uplink.limit);
  if (answer.error || answer.status == 0) {
    reply.problem = fmt::format("no answer: {}",
                                answer.error ? boost::describe::enum_to_string(*answer.error, "failed") : "failed");
    co_return reply;
  }
  reply.status = answer.status;
  reply.headers = std::move(answer.headers);
  reply.body = std::move(answer.body);
  co_return reply;
}

}  // namespace vnetprobe::delivery
