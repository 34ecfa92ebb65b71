#include "probes/websocket.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"
#include "probes/websocket_core.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/url/parse.hpp>

#include <array>

namespace vnetprobe {
namespace {

namespace http = boost::beast::http;
using Error = boost::system::error_code;

constexpr std::size_t answer_bytes_kept = 64U << 10;
constexpr std::size_t answer_bytes_at_most = 1U << 20;  // a peer that sends more before the pong is cut off
constexpr std::chrono::milliseconds goodbye_limit{500};

// The bytes between the core and the connection, and a copy of the answer's beginning.
template <class Stream>
class Dialogue {
 public:
  Dialogue(Stream& stream, WebsocketCore& core) : stream_(stream), core_(core) {}

  asio::awaitable<Error> flush() {
    const std::string output = core_.take_output();
    Error error;
    if (!output.empty()) co_await asio::async_write(stream_, asio::buffer(output), asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  // Hands what the peer sends to the core until `done` holds or the stream ends.
  template <class Done>
  asio::awaitable<Error> read_until(Done done) {
    std::array<char, 8192> bytes{};
    for (;;) {
      const Error unsent = co_await flush();
      if (unsent) co_return unsent;
      if (done() || core_.is_ended() || received_ > answer_bytes_at_most) co_return Error{};
      Error error;
      const std::size_t size =
          co_await stream_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        core_.end_of_stream();
        co_return error;
      }
      received_ += size;
      if (beginning_.size() < answer_bytes_kept) beginning_.append(bytes.data(), std::min(size, answer_bytes_kept - beginning_.size()));
      core_.receive(bytes.data(), size);
    }
  }

  const std::string& beginning() const { return beginning_; }

 private:
  Stream& stream_;
  WebsocketCore& core_;
  std::string beginning_;
  std::size_t received_{};
};

WebsocketFailure broken(const Error& error) {
  const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  return ended ? WebsocketFailure::closed : WebsocketFailure::reset;
}

// Reads status, headers and excerpt out of the answer's bytes. False: it is no HTTP answer.
bool read_answer(const std::string& bytes, WebsocketObservation& into) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  parser.header_limit(static_cast<std::uint32_t>(answer_bytes_kept));
  Error error;
  parser.put(asio::buffer(bytes), error);
  if (!parser.is_header_done()) return false;
  const auto& message = parser.get();
  into.status = static_cast<int>(message.result_int());
  into.reason = printable(std::string_view(message.reason()), 100);
  for (const auto& field : message) {
    if (into.headers.size() < HttpBounds{}.headers_kept)
      into.headers.push_back(kept_header(std::string_view(field.name_string()), std::string_view(field.value())));
    else
      ++into.headers_left_out;
  }
  if (into.status != 101) into.body_excerpt = body_excerpt(message.body());
  into.clock_offset = clock_offset(into.headers, std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  return true;
}

bool head_complete(const std::string& bytes) { return bytes.find("\r\n\r\n") != std::string::npos; }

// A refusal's body may be short of its end; a moment more tells what the page says.
template <class Stream>
asio::awaitable<Error> shake_hands(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  const Error error = co_await dialogue.read_until([&] { return core.was_open() || head_complete(dialogue.beginning()); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> wait_for_pong(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  core.ping("vnetprobe");
  const Error error = co_await dialogue.read_until([&] { return core.pong_seen(); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> say_goodbye(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  core.close();
  const Error error = co_await dialogue.read_until([] { return false; });
  co_return error;
}

void note_close(const WebsocketCore& core, WebsocketObservation& seen) {
  if (core.remote_close_code() == 0) return;
  seen.close_code = core.remote_close_code();
  seen.close_reason = printable(core.remote_close_reason(), 125);
}

template <class Stream>
asio::awaitable<void> converse(Stream& stream, WebsocketCore& core, WebsocketRequest request, std::chrono::milliseconds limit,
                               WebsocketObservation& seen) {
  Dialogue<Stream> dialogue(stream, core);
  const auto shaken = co_await within(limit, shake_hands(dialogue, core));
  const bool answered = read_answer(dialogue.beginning(), seen);
  if (!core.was_open()) {
    if (!core.problem().empty()) seen.detail = printable(core.problem(), 200);
    if (answered)
      seen.error = seen.status == 101 ? WebsocketFailure::accept_invalid : WebsocketFailure::not_upgraded;
    else if (!shaken)
      seen.error = WebsocketFailure::timed_out;
    else
      seen.error = *shaken ? broken(*shaken) : WebsocketFailure::malformed;
    co_return;
  }
  seen.upgraded = seen.accept_valid = true;
  if (const auto chosen = core.subprotocol(); !chosen.empty()) seen.subprotocol = printable(chosen, 100);
  const auto asked = Clock::now();
  const auto answer = co_await within(request.pong_limit, wait_for_pong(dialogue, core));
  if (core.pong_seen()) {
    seen.pong_after = since(asked);
    co_await within(goodbye_limit, say_goodbye(dialogue, core));
    note_close(core, seen);
    co_return;
  }
  note_close(core, seen);
  seen.error = answer ? WebsocketFailure::closed_early : WebsocketFailure::no_pong;
  if (answer && *answer) seen.detail = printable(answer->message(), 200);
  if (answer && !*answer && !core.problem().empty()) seen.detail = printable(core.problem(), 200);
}

std::vector<std::pair<std::string, std::string>> headers_of(const WebsocketRequest& request) {
  std::vector<std::pair<std::string, std::string>> headers;
  const auto url = boost::urls::parse_uri(request.url);
  // Jupyter and most front ends compare Origin with Host.
  if (url) headers.emplace_back("Origin", (url->scheme() == "wss" ? "https://" : "http://") + std::string(url->encoded_authority()));
  for (const auto& header : request.headers) headers.emplace_back(header.name, header.value);
  return headers;
}

}  // namespace

asio::awaitable<WebsocketObservation> observe_websocket(Connection& connection, WebsocketRequest request, bool via_proxy,
                                                        std::chrono::milliseconds limit) {
  WebsocketObservation seen{.url = printable(redacted_url(request.url))};
  seen.via_proxy = via_proxy;
  Error gone;
  const auto remote = lowest_layer(connection).remote_endpoint(gone);
  if (!gone) seen.remote = {.address = remote.address().to_string(), .port = remote.port()};
  WebsocketCore core(request.url, headers_of(request));
  const auto started = Clock::now();
  if (core.is_ended()) {
    seen.error = WebsocketFailure::malformed;
    seen.detail = printable(core.problem(), 200);
  } else if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&connection)) {
    co_await converse(**tls, core, std::move(request), limit, seen);
  } else {
    co_await converse(std::get<asio::ip::tcp::socket>(connection), core, std::move(request), limit, seen);
  }
  seen.duration = since(started);
  co_return seen;
}

}  // namespace vnetprobe
