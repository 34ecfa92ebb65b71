#include "probes/proxy.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

ProxyFailure classify(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::timed_out:
      return ProxyFailure::timed_out;
    case HttpFailure::closed:
    case HttpFailure::certificate_required:
      return ProxyFailure::closed;
    case HttpFailure::reset:
    case HttpFailure::send_failed:
      return ProxyFailure::reset;
    case HttpFailure::malformed:
    case HttpFailure::headers_too_big:
      return ProxyFailure::malformed;
  }
  return ProxyFailure::malformed;
}

// The scheme that begins one element of a challenge list; empty: the element is a parameter of the scheme before it.
std::string_view scheme_of(std::string_view element) {
  const auto parts = words(element);
  const bool parameter = parts.empty() || parts[0].find_first_of("=\"") != parts[0].npos ||
                         (parts.size() > 1 && parts[1].starts_with('='));
  return parameter ? std::string_view{} : parts[0].substr(0, 32);
}

// "Negotiate, Basic realm=\"a, b\", charset=..." (RFC 9110 section 11.6.1): commas part schemes and parameters alike.
void add_schemes(std::string_view challenges, std::vector<std::string>& schemes) {
  bool quoted = false;
  std::size_t from = 0;
  for (std::size_t at = 0; at <= challenges.size(); ++at) {
    const bool end = at == challenges.size();
    if (!end && challenges[at] == '"') quoted = !quoted;
    if (!end && (quoted || challenges[at] != ',')) continue;
    const auto scheme = scheme_of(challenges.substr(from, at - from));
    if (!scheme.empty() && std::ranges::find(schemes, scheme) == schemes.end()) schemes.emplace_back(scheme);
    from = at + 1;
  }
}

std::vector<std::string> authentication_schemes(const std::vector<HttpHeader>& headers) {
  std::vector<std::string> schemes;
  for (const auto& header : headers)
    if (lower_case(header.name) == "proxy-authenticate") add_schemes(header.value, schemes);
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
  std::vector<HttpHeader> headers{
      {"User-Agent", proxy.user_agent.empty() ? std::string(user_agent()) : proxy.user_agent}};
  if (!proxy.user_agent.empty()) seen.user_agent = proxy.user_agent;
  seen.credentials_sent = !proxy.credentials.empty();
  if (seen.credentials_sent) headers.push_back({"Proxy-Authorization", basic_credentials(proxy.credentials)});
  Connection connection = std::move(socket);
  const auto started = Clock::now();
  std::string request = request_head("CONNECT", target, target, headers);
  const HttpBounds bounds;
  auto answer = co_await exchange_http(connection, std::move(request), bounds, true, limit);
  seen.duration = since(started);
  seen.status = answer.status;
  seen.reason = std::move(answer.reason);
  seen.authentication_schemes = authentication_schemes(answer.headers);
  seen.body_excerpt = body_excerpt(answer.body);
  seen.headers = std::move(answer.headers);
  if (answer.error) {
    seen.error = classify(*answer.error);
  } else if (seen.status / 100 != 2) {
    seen.error = ProxyFailure::denied;
  } else if (!answer.after_head.empty()) {
    // TLS clients speak first: what comes with the 2xx is a page of the proxy's, no tunnel.
    seen.error = ProxyFailure::malformed;
    seen.body_excerpt = body_excerpt(answer.after_head);
  } else {
    result.socket = std::move(std::get<asio::ip::tcp::socket>(connection));
  }
  co_return result;
}

}  // namespace vnetprobe
