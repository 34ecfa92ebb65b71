#include "probes/proxy.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"

namespace vnetprobe {
namespace {

ProxyFailure classify(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::timed_out: return ProxyFailure::timed_out;
    case HttpFailure::closed: return ProxyFailure::closed;
    case HttpFailure::reset:
    case HttpFailure::send_failed: return ProxyFailure::reset;
    case HttpFailure::malformed:
    case HttpFailure::headers_too_big: return ProxyFailure::malformed;
  }
  return ProxyFailure::malformed;
}

// "Negotiate, Basic realm=..." over one or more headers: the first word of each challenge.
std::vector<std::string> authentication_schemes(const std::vector<HttpHeader>& headers) {
  std::vector<std::string> schemes;
  for (const auto& header : headers) {
    if (lower_case(header.name) != "proxy-authenticate") continue;
    const auto first = words(header.value);
    if (!first.empty()) schemes.emplace_back(first.front().substr(0, first.front().find(',')));
  }
  return schemes;
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

}  // namespace

asio::awaitable<ProxyResult> open_tunnel(asio::ip::tcp::socket socket, ProxyAddress proxy, std::string host,
                                         std::uint16_t port, std::chrono::milliseconds limit) {
  const std::string target = bracketed(host) + ":" + std::to_string(port);
  ProxyResult result;
  ProxyObservation& seen = result.seen;
  seen.proxy = "http://" + bracketed(proxy.host) + ":" + std::to_string(proxy.port);
  seen.target = target;
  boost::system::error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  if (!gone) seen.remote = {.address = remote.address().to_string(), .port = remote.port()};
  std::vector<HttpHeader> headers{{"User-Agent", std::string(user_agent())}};
  seen.credentials_sent = !proxy.credentials.empty();
  if (seen.credentials_sent) headers.push_back({"Proxy-Authorization", basic_credentials(proxy.credentials)});
  Connection connection = std::move(socket);
  const auto started = Clock::now();
  auto answer = co_await exchange_http(connection, request_head("CONNECT", target, target, headers), HttpBounds{}, true, limit);
  seen.duration = since(started);
  seen.status = answer.status;
  seen.reason = std::move(answer.reason);
  seen.authentication_schemes = authentication_schemes(answer.headers);
  seen.body_excerpt = body_excerpt(answer.body);
  seen.headers = std::move(answer.headers);
  if (answer.error)
    seen.error = classify(*answer.error);
  else if (seen.status / 100 != 2)
    seen.error = ProxyFailure::denied;
  else
    result.socket = std::move(std::get<asio::ip::tcp::socket>(connection));
  co_return result;
}

}  // namespace vnetprobe
