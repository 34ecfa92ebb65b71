#include "probes/wireserver.hpp"

#include "probes/http_exchange.hpp"
#include "probes/tcp.hpp"
#include "probes/text.hpp"

#include <unistd.h>
#include <boost/json/parse.hpp>

namespace vnetprobe {
namespace {

constexpr std::size_t versions_kept = 32;

std::vector<std::string> xml_versions(std::string_view body) {
  constexpr std::string_view open = "<Version>", close = "</Version>";
  std::vector<std::string> versions;
  for (auto at = body.find(open); at != std::string_view::npos && versions.size() < versions_kept;
       at = body.find(open, at)) {
    at += open.size();
    const auto end = body.find(close, at);
    if (end == std::string_view::npos) break;
    versions.push_back(printable(body.substr(at, end - at), 40));
  }
  return versions;
}

std::vector<std::string> json_versions(std::string_view body) {
  std::vector<std::string> versions;
  boost::json::error_code broken;
  const auto document = boost::json::parse(body, broken, {}, {.max_depth = 4});
  if (broken || !document.is_array()) return versions;
  for (const auto& version : document.get_array())
    if (version.is_string() && versions.size() < versions_kept)
      versions.push_back(printable(std::string_view(version.get_string()), 40));
  return versions;
}

}  // namespace

asio::awaitable<WireserverObservation> observe_wireserver(std::string url, Endpoint remote,
                                                          std::chrono::milliseconds limit) {
  WireserverObservation seen{.url = printable(redacted_url(url)), .remote = remote, .uid = ::geteuid()};
  const auto started = Clock::now();
  auto opened = co_await open_tcp(remote, limit);
  seen.tcp = std::move(opened.seen);
  if (opened.socket) {
    Connection connection = std::move(*opened.socket);
    const auto parts = split_url(url);
    const std::string target = parts ? parts->target : "/", host = parts ? parts->authority : remote.address;
    const std::vector<HttpHeader> headers{{"User-Agent", std::string(user_agent())}, {"Connection", "close"}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - since(started));
    auto answer =
        co_await exchange_http(connection, request_head("GET", target, host, headers), HttpBounds{}, false, left);
    seen.error = answer.error;
    seen.detail = std::move(answer.detail);
    seen.status = answer.status;
    seen.versions = answer.body.find_first_not_of(" \t\r\n") == answer.body.find('[') ? json_versions(answer.body)
                                                                                      : xml_versions(answer.body);
  }
  seen.duration = since(started);
  co_return seen;
}

}  // namespace vnetprobe
