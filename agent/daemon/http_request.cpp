#include "agent/daemon/http_request.hpp"

#include <fmt/format.h>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>

namespace vnetprobe {
namespace {

namespace http = boost::beast::http;

ReadHead refused(int status, std::string why) {
  return {.request = {}, .refusal = status, .why = std::move(why) + "\n"};
}

std::string bearer_of(std::string_view header) {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size() || !boost::beast::iequals(header.substr(0, scheme.size()), scheme)) return "";
  return std::string(header.substr(scheme.size()));
}

// Prometheus says how long it waits, in seconds with a fraction.
std::chrono::milliseconds patience_of(std::string_view header) {
  double seconds{};
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error != std::errc{} || !(seconds > 0) || seconds > 3600) return {};
  return std::chrono::milliseconds(static_cast<long>(seconds * 1000));
}

}  // namespace

ReadHead read_request_head(std::string_view text) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(request_head_at_most);
  // A body is not read; its announcement must not make the head an error of its own.
  parser.body_limit(boost::none);
  boost::system::error_code problem;
  parser.put(boost::asio::buffer(text), problem);
  if (problem == http::error::header_limit ||
      (problem == http::error::need_more && text.size() >= request_head_at_most))
    return refused(431, "the request's head is larger than 8 KiB");
  if (!parser.is_header_done()) return refused(400, "this is no HTTP request");
  const auto& head = parser.get();
  if (head.method() != http::verb::get && head.method() != http::verb::head)
    return refused(405, "only GET and HEAD are served");
  ReadHead read{.request = {}, .head_only = head.method() == http::verb::head};
  const auto target = boost::urls::parse_origin_form({head.target().data(), head.target().size()});
  if (!target) return refused(400, "the request's target is no path");
  read.request.path = target->path();
  for (const auto& parameter : target->params()) {
    if (read.request.query.size() == 64) return refused(400, "too many parameters");
    read.request.query.emplace_back(parameter.key, parameter.value);
  }
  read.token = bearer_of({head[http::field::authorization].data(), head[http::field::authorization].size()});
  const std::string_view accept{head[http::field::accept].data(), head[http::field::accept].size()};
  read.request.wants_json =
      accept.find("application/json") != std::string_view::npos && accept.find("text/html") == std::string_view::npos;
  const auto patience = head["X-Prometheus-Scrape-Timeout-Seconds"];
  read.request.patience = patience_of({patience.data(), patience.size()});
  return read;
}

std::string written_page(const Page& page, bool head_only) {
  const auto reason = std::string(http::obsolete_reason(static_cast<http::status>(page.status)));
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: close\r\n",
      page.status, reason, page.type, page.body.size());
  if (page.status == 405) text += "Allow: GET, HEAD\r\n";
  if (page.status == 401) text += "WWW-Authenticate: Bearer\r\n";
  if (page.status == 503) text += "Retry-After: 5\r\n";
  text += "\r\n";
  if (!head_only) text += page.body;
  return text;
}

}  // namespace vnetprobe
