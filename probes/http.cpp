#include "probes/http.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

Endpoint peer_of(Connection& connection) {
  boost::system::error_code gone;
  const auto remote = lowest_layer(connection).remote_endpoint(gone);
  return gone ? Endpoint{} : Endpoint{.address = remote.address().to_string(), .port = remote.port()};
}

// What the request asks for comes before what every request of ours carries.
std::vector<HttpHeader> headers_of(const HttpRequest& request) {
  std::vector<HttpHeader> headers = request.headers;
  const std::string sender = request.user_agent.empty() ? std::string(user_agent()) : request.user_agent;
  for (auto& [name, value] : std::vector<HttpHeader>{{"User-Agent", sender}, {"Accept", "*/*"}})
    if (!find_header(headers, name)) headers.push_back({name, value});
  if (!request.proxy_credentials.empty())
    headers.push_back({"Proxy-Authorization", basic_credentials(request.proxy_credentials)});
  if (!request.body.empty()) {
    headers.push_back({"Content-Type", "application/octet-stream"});
    headers.push_back({"Content-Length", std::to_string(request.body.size())});
  }
  headers.push_back({"Connection", "close"});
  return headers;
}

}  // namespace

asio::awaitable<HttpObservation> observe_http(Connection& connection, HttpRequest request, bool via_proxy,
                                              std::chrono::milliseconds limit) {
  HttpObservation seen{
      .method = request.method, .url = printable(redacted_url(request.url)), .remote = peer_of(connection)};
  seen.via_proxy = via_proxy;
  if (!request.user_agent.empty()) seen.user_agent = request.user_agent;
  if (!request.body.empty()) seen.request_bytes = static_cast<int>(request.body.size());
  const auto parts = split_url(request.url);
  if (!parts) {
    seen.error = HttpFailure::send_failed;
    seen.detail = "not an absolute URL";
    co_return seen;
  }
  const auto headers = headers_of(request);
  const std::string target =
      request.absolute_form ? parts->scheme + "://" + parts->authority + parts->target : parts->target;
  std::string message = request_head(request.method, target, parts->authority, headers) + request.body;
  const auto started = Clock::now();
  auto answer = co_await exchange_http(connection, std::move(message), HttpBounds{}, false, limit);
  seen.duration = since(started);
  seen.error = answer.error;
  seen.detail = std::move(answer.detail);
  if (answer.body_error)
    seen.detail = fmt::format("the body broke off after {} bytes: {}", answer.body.size(),
                              boost::describe::enum_to_string(*answer.body_error, "?"));
  seen.status = answer.status;
  seen.reason = std::move(answer.reason);
  seen.version = std::move(answer.version);
  seen.service_error_code = service_error_code(answer.headers, answer.body);
  seen.body_excerpt = body_excerpt(answer.body);
  seen.body_bytes = answer.body.size();
  seen.body_truncated = answer.body_truncated;
  if (!answer.error) seen.clock_offset = clock_offset(answer.headers, answer.came);
  seen.headers = std::move(answer.headers);
  seen.headers_left_out = answer.headers_left_out;
  co_return seen;
}

}  // namespace vnetprobe
