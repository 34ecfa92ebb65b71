#include "probes/http.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"

#include <boost/url/parse.hpp>

namespace vnetprobe {
namespace {

struct UrlParts {
  std::string authority, target;
};

std::optional<UrlParts> split(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return std::nullopt;
  UrlParts parts{.authority = std::string(parsed->encoded_host()), .target = std::string(parsed->encoded_path())};
  if (parsed->has_port()) parts.authority += ":" + std::string(parsed->port());
  if (parts.target.empty()) parts.target = "/";
  if (parsed->has_query()) parts.target += "?" + std::string(parsed->encoded_query());
  return parts;
}

Endpoint peer_of(Connection& connection) {
  boost::system::error_code gone;
  const auto remote = lowest_layer(connection).remote_endpoint(gone);
  return gone ? Endpoint{} : Endpoint{.address = remote.address().to_string(), .port = remote.port()};
}

}  // namespace

asio::awaitable<HttpObservation> observe_http(Connection& connection, HttpRequest request, bool via_proxy,
                                              std::chrono::milliseconds limit) {
  HttpObservation seen{.method = request.method, .url = printable(redacted_url(request.url)), .remote = peer_of(connection)};
  seen.via_proxy = via_proxy;
  const auto parts = split(request.url);
  if (!parts) {
    seen.error = HttpFailure::send_failed;
    seen.detail = "not an absolute URL";
    co_return seen;
  }
  std::vector<HttpHeader> headers{{"User-Agent", std::string(user_agent())}, {"Accept", "*/*"}};
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  if (!request.proxy_credentials.empty())
    headers.push_back({"Proxy-Authorization", basic_credentials(request.proxy_credentials)});
  headers.push_back({"Connection", "close"});
  const std::string target = request.absolute_form ? request.url : parts->target;
  const auto started = Clock::now();
  auto answer = co_await exchange_http(connection, request_head(request.method, target, parts->authority, headers), HttpBounds{},
                                       false, limit);
  seen.duration = since(started);
  seen.error = answer.error;
  seen.detail = std::move(answer.detail);
  seen.status = answer.status;
  seen.reason = std::move(answer.reason);
  seen.version = std::move(answer.version);
  seen.service_error_code = service_error_code(answer.headers, answer.body);
  seen.body_excerpt = body_excerpt(answer.body);
  seen.body_bytes = answer.body.size();
  seen.body_truncated = answer.body_truncated;
  seen.clock_offset =
      clock_offset(answer.headers, std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  seen.headers = std::move(answer.headers);
  seen.headers_left_out = answer.headers_left_out;
  co_return seen;
}

}  // namespace vnetprobe
