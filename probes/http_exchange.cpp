#include "probes/http_exchange.hpp"

#include "probes/digest.hpp"
#include "probes/text.hpp"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/url/parse.hpp>

namespace vnetprobe {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Error = boost::system::error_code;

// What the version stays at until a start line has been read: Beast reads 10 or 11 there, and takes 1 to 99 from us.
constexpr unsigned no_start_line = 99;

// Nobody has answered in full yet: an interim answer (RFC 9110 section 15.2) is read over, ten at most.
constexpr int interim_at_most = 10;

template <class Stream>
asio::awaitable<Error> read_head(Stream& stream, beast::flat_buffer& buffer, std::optional<HttpParser>& parser,
                                 HttpBounds bounds, bool is_connect) {
  Error error;
  for (int interim = 0; interim <= interim_at_most; ++interim) {
    parser.emplace();
    parser->header_limit(bounds.header_bytes);
    parser->body_limit(boost::none);
    parser->get().version(no_start_line);
    parser->get().body().limit = bounds.body_bytes;
    co_await http::async_read_header(stream, buffer, *parser, asio::redirect_error(asio::use_awaitable, error));
    const auto status = parser->get().result_int();
    // A tunnel's bytes are not the answer's body.
    if (!error && is_connect && status / 100 == 2) co_return error;
    if (error || status / 100 != 1 || status == 101) co_return error;
  }
  co_return error;
}

// Reads on until the end, the bound or an error; what was read stays in the parser.
template <class Stream>
asio::awaitable<Error> read_body(Stream& stream, beast::flat_buffer& buffer, HttpParser& parser) {
  Error error;
  while (!error && !parser.is_done() && !parser.get().body().full())
    co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

template <class Stream>
asio::awaitable<Error> send(Stream& stream, const std::string& request) {
  Error error;
  co_await asio::async_write(stream, asio::buffer(request), asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

// `ended`: how the reading of the body ended; absent: the limit passed.
void take_body(HttpParser& parser, const std::optional<Error>& ended, HttpAnswer& into) {
  auto& body = parser.get().body();
  into.body = std::move(body.text);
  into.body_truncated = body.cut || !parser.is_done();
  if (body.cut || parser.is_done()) return;
  if (!ended) {
    into.body_error = HttpFailure::timed_out;
  } else if (*ended) {
    // An answer without a length ends with the connection, and not every TLS server says goodbye.
    into.body_truncated = !(parser.need_eof() && *ended == asio::ssl::error::stream_truncated);
    if (into.body_truncated) into.body_error = classify_http(*ended);
  }
}

// A banner or a TLS record may have no line end; the parser waits for one, and sees but the end or the limit.
bool cannot_be_http(const beast::flat_buffer& buffer) {
  constexpr std::string_view wanted = "HTTP/";
  const auto begun = buffer.cdata();
  const std::string_view bytes(static_cast<const char*>(begun.data()), std::min(begun.size(), wanted.size()));
  return !wanted.starts_with(bytes);
}

template <class Stream>
asio::awaitable<HttpAnswer> exchange(Stream& stream, std::string request, HttpBounds bounds, bool is_connect,
                                     std::chrono::milliseconds limit) {
  HttpAnswer answer;
  const auto until = Clock::now() + limit;
  const auto left = [&] { return std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()); };
  const bool head_only = request.starts_with("HEAD ");
  const auto sent = co_await within(limit, send(stream, request));
  if (!sent) {
    answer.error = HttpFailure::timed_out;
    co_return answer;
  }
  // A server may answer before it has read the request, and hang up (RFC 9112 9.5): its answer is there all the same.
  // 64 KiB of header and as much of a body's beginning may arrive together.
  beast::flat_buffer buffer(bounds.header_bytes + bounds.body_bytes + (16U << 10));
  std::optional<HttpParser> parser;
  const auto head = co_await within(left(), read_head(stream, buffer, parser, bounds, is_connect));
  const bool told_why = head && *head && classify_http(*head) == HttpFailure::certificate_required;
  if (*sent && (!head || *head) && !told_why) {
    answer.error = HttpFailure::send_failed;
    answer.detail = printable(sent->message(), 200);
    co_return answer;
  }
  if (!head || *head) {
    answer.error = head ? classify_http(*head) : HttpFailure::timed_out;
    if (parser->get().version() == no_start_line && cannot_be_http(buffer)) answer.error = HttpFailure::malformed;
    if (head) answer.detail = printable(head->message(), 200);
    co_return answer;
  }
  take_head(*parser, bounds, answer);
  if (is_connect && answer.status / 100 == 2) answer.after_head = beast::buffers_to_string(buffer.data());
  const bool no_body = head_only || answer.status == 101 || (is_connect && answer.status / 100 == 2);
  if (no_body) co_return answer;
  const auto body = co_await within(left(), read_body(stream, buffer, *parser));
  take_body(*parser, body, answer);
  co_return answer;
}

std::string without_line_breaks(std::string_view value) {
  std::string result(value);
  std::erase_if(result, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return result;
}

}  // namespace

HttpFailure classify_http(const Error& error) {
  using asio::ssl::error::stream_truncated;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return HttpFailure::headers_too_big;
  if (error == http::error::end_of_stream || error == asio::error::eof || error == http::error::partial_message ||
      error == stream_truncated)
    return HttpFailure::closed;
  if (error.category() == http::make_error_code(http::error::end_of_stream).category()) return HttpFailure::malformed;
  const bool from_tls = error.category() == asio::error::get_ssl_category();
  if (from_tls && ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
    return HttpFailure::certificate_required;
  // An alert or a broken record: the peer (or who sits before it) ended what it had begun.
  if (from_tls) return HttpFailure::closed;
  if (error == asio::error::timed_out || error == asio::error::operation_aborted ||
      error == asio::error::host_unreachable || error == asio::error::network_unreachable)
    return HttpFailure::timed_out;
  return HttpFailure::reset;
}

void take_head(const HttpParser& parser, const HttpBounds& bounds, HttpAnswer& into) {
  const auto& message = parser.get();
  into.came = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  into.status = static_cast<int>(message.result_int());
  // Beast puts words of its own where the answer has none.
  const std::string_view reason = message.reason();
  into.reason = reason == "<unknown-status>" ? "" : printable(reason, 100);
  into.version = message.version() == 10 ? "HTTP/1.0" : "HTTP/1.1";
  for (const auto& field : message) {
    if (into.headers.size() < bounds.headers_kept)
      into.headers.push_back(kept_header(std::string_view(field.name_string()), std::string_view(field.value())));
    else
      ++into.headers_left_out;
  }
}

std::optional<UrlParts> split_url(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || !parsed->has_authority() || parsed->encoded_host().empty()) return std::nullopt;
  UrlParts parts{.scheme = lower_case(std::string_view(parsed->scheme())),
                 .authority = std::string(parsed->encoded_host()),
                 .target = std::string(parsed->encoded_path())};
  if (parsed->has_port()) parts.authority += ":" + std::string(parsed->port());
  if (parts.target.empty()) parts.target = "/";
  if (parsed->has_query()) parts.target += "?" + std::string(parsed->encoded_query());
  return parts;
}

asio::awaitable<HttpAnswer> exchange_http(Connection& connection, std::string request, HttpBounds bounds,
                                          bool is_connect, std::chrono::milliseconds limit) {
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&connection)) {
    auto answer = co_await exchange(**tls, std::move(request), bounds, is_connect, limit);
    co_return answer;
  }
  auto answer =
      co_await exchange(std::get<asio::ip::tcp::socket>(connection), std::move(request), bounds, is_connect, limit);
  co_return answer;
}

std::string request_head(std::string_view method, std::string_view target, std::string_view host,
                         const std::vector<HttpHeader>& headers) {
  std::string head = without_line_breaks(method) + " " + without_line_breaks(target) +
                     " HTTP/1.1\r\nHost: " + without_line_breaks(host) + "\r\n";
  for (const auto& header : headers)
    head += without_line_breaks(header.name) + ": " + without_line_breaks(header.value) + "\r\n";
  return head + "\r\n";
}

std::string basic_credentials(std::string_view credentials) { return "Basic " + base64(credentials); }

}  // namespace vnetprobe
