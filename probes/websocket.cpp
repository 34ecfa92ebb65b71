#include "probes/websocket.hpp"

#include "probes/http_exchange.hpp"
#include "probes/text.hpp"
#include "probes/websocket_core.hpp"

#include <boost/asio/write.hpp>

#include <array>

namespace vnetprobe {
namespace {

namespace http = boost::beast::http;
using Error = boost::system::error_code;

constexpr std::size_t bytes_at_most = 1U << 20;        // a peer that sends more before the pong is cut off
constexpr std::chrono::milliseconds page_limit{1000};  // for the body of a refusal, of which only the beginning is told
constexpr std::chrono::milliseconds goodbye_limit{500};

// The handshake's answer, read beside the core: the library tells nothing of an answer that it does not like.
class AnswerReader {
 public:
  AnswerReader() {
    parser_.eager(true);
    parser_.header_limit(HttpBounds{}.header_bytes);
    parser_.body_limit(boost::none);
  }

  void receive(std::string_view bytes) {
    if (is_complete()) return;
    pending_.append(bytes);
    while (!pending_.empty() && !is_complete()) {
      const std::size_t taken = parser_.put(asio::buffer(pending_), error_);
      pending_.erase(0, taken);
      if (error_ == http::error::need_more) {
        error_ = {};
        return;
      }
    }
  }

  bool has_head() const { return parser_.is_header_done(); }
  // Nothing that follows belongs to the answer, or interests.
  bool is_complete() const { return error_ || parser_.is_done() || (has_head() && parser_.get().body().full()); }
  const Error& error() const { return error_; }
  const HttpParser& parser() const { return parser_; }

 private:
  HttpParser parser_;
  std::string pending_;
  Error error_;
};

// The bytes between the core and the connection.
template <class Stream>
class Dialogue {
 public:
  Dialogue(Stream& stream, WebsocketCore& core) : stream_(stream), core_(core) {}

  // Hands what the peer sends to the core, and to `answer` while that wants it, until `done` holds or the stream ends.
  template <class Done>
  asio::awaitable<Error> read_until(Done done) {
    std::array<char, 8192> bytes{};
    for (;;) {
      const Error unsent = co_await flush();
      if (unsent) co_return unsent;
      if (done() || is_flooded()) co_return Error{};
      Error error;
      const std::size_t size =
          co_await stream_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        // Cancelled is not ended: who waited for nothing to happen goes on.
        if (error != asio::error::operation_aborted) core_.end_of_stream();
        co_return error;
      }
      received_ += size;
      answer_.receive({bytes.data(), size});
      core_.receive(bytes.data(), size);
    }
  }

  const AnswerReader& answer() const { return answer_; }
  bool is_flooded() const { return received_ > bytes_at_most; }

 private:
  asio::awaitable<Error> flush() {
    const std::string output = core_.take_output();
    Error error;
    if (!output.empty())
      co_await asio::async_write(stream_, asio::buffer(output), asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  Stream& stream_;
  WebsocketCore& core_;
  AnswerReader answer_;
  std::size_t received_{};
};

template <class Stream>
asio::awaitable<Error> shake_hands(Dialogue<Stream>& dialogue) {
  const Error error =
      co_await dialogue.read_until([&] { return dialogue.answer().has_head() || dialogue.answer().error(); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> read_page(Dialogue<Stream>& dialogue) {
  const Error error = co_await dialogue.read_until([&] { return dialogue.answer().is_complete(); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> wait_for_pong(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  core.ping("vnetprobe");
  const Error error =
      co_await dialogue.read_until([&] { return core.pong_seen() || core.close_seen() || core.is_ended(); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> wait_for_the_end(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  const Error error = co_await dialogue.read_until([&] { return core.close_seen() || core.is_ended(); });
  co_return error;
}

template <class Stream>
asio::awaitable<Error> say_goodbye(Dialogue<Stream>& dialogue, WebsocketCore& core) {
  core.close();
  const Error error = co_await dialogue.read_until([&] { return core.close_seen() || core.is_ended(); });
  co_return error;
}

WebsocketFailure of_http(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::timed_out:
      return WebsocketFailure::timed_out;
    case HttpFailure::closed:
    case HttpFailure::certificate_required:
      return WebsocketFailure::closed;
    case HttpFailure::malformed:
    case HttpFailure::headers_too_big:
      return WebsocketFailure::malformed;
    case HttpFailure::reset:
    case HttpFailure::send_failed:
      break;
  }
  return WebsocketFailure::reset;
}

// `ended`: how the waiting for the head ended; absent: by the limit.
void tell_unanswered(const std::optional<Error>& ended, const AnswerReader& answer, WebsocketObservation& seen) {
  const Error why = answer.error() ? answer.error() : ended.value_or(Error{});
  if (!why) {
    seen.error = WebsocketFailure::timed_out;
    return;
  }
  seen.error = of_http(classify_http(why));
  seen.detail = printable(why.message(), 200);
}

void tell_head(const AnswerReader& answer, WebsocketObservation& seen) {
  HttpAnswer head;
  take_head(answer.parser(), HttpBounds{}, head);
  seen.status = head.status;
  seen.reason = std::move(head.reason);
  seen.clock_offset = clock_offset(head.headers, head.came);
  seen.headers = std::move(head.headers);
  seen.headers_left_out = head.headers_left_out;
}

// A 101 that the core did not take for an upgrade.
void tell_bad_upgrade(const AnswerReader& answer, const WebsocketCore& core, WebsocketObservation& seen) {
  const auto& head = answer.parser().get();
  seen.accept_valid = std::string_view(head["Sec-WebSocket-Accept"]) == core.expected_accept();
  seen.error = seen.accept_valid ? WebsocketFailure::malformed : WebsocketFailure::accept_invalid;
  if (!seen.accept_valid)
    seen.detail = head.count("Sec-WebSocket-Accept") ? "Sec-WebSocket-Accept does not belong to the key that was sent"
                                                     : "the answer has no Sec-WebSocket-Accept";
  else
    seen.detail = printable(core.problem(), 200);
}

void tell_close(const WebsocketCore& core, WebsocketObservation& seen) {
  if (core.remote_close_code() == 0) return;
  seen.close_code = core.remote_close_code();
  seen.close_reason = printable(core.remote_close_reason(), 125);
}

// `ended`: how the waiting for the pong ended; absent: by the limit.
void tell_no_pong(const std::optional<Error>& ended, const WebsocketCore& core, bool flooded,
                  WebsocketObservation& seen) {
  seen.error = WebsocketFailure::closed_early;
  if (ended && *ended) {
    seen.detail = printable(ended->message(), 200);
  } else if (!core.problem().empty()) {
    seen.error = WebsocketFailure::malformed;
    seen.detail = printable(core.problem(), 200);
  } else if (!core.close_seen()) {
    seen.error = WebsocketFailure::no_pong;
    if (flooded) seen.detail = "a mebibyte of other data came instead";
  }
}

// An established connection that nobody uses: ended by somebody in the meantime, or forgotten by something on the way,
// which shows only with the next packet.
template <class Stream>
asio::awaitable<void> stay_idle(Dialogue<Stream>& dialogue, WebsocketCore& core, const WebsocketRequest& request,
                                WebsocketObservation& seen) {
  const auto silent_since = Clock::now();
  const auto ended = co_await within(request.idle, wait_for_the_end(dialogue, core));
  seen.idle = std::chrono::ceil<std::chrono::milliseconds>(since(silent_since));
  if (dialogue.is_flooded()) co_return;
  if (ended) {
    tell_no_pong(ended, core, false, seen);
    co_return;
  }
  const auto answer = co_await within(request.pong_limit, wait_for_pong(dialogue, core));
  if (core.pong_seen()) co_return;
  tell_no_pong(answer, core, dialogue.is_flooded(), seen);
  if (answer && *answer == asio::error::connection_reset) seen.error = WebsocketFailure::reset;
}

template <class Stream>
asio::awaitable<void> converse(Stream& stream, WebsocketCore& core, std::chrono::milliseconds limit,
                               const WebsocketRequest& request, WebsocketObservation& seen) {
  Dialogue<Stream> dialogue(stream, core);
  const auto shaken = co_await within(limit, shake_hands(dialogue));
  if (!dialogue.answer().has_head()) {
    tell_unanswered(shaken, dialogue.answer(), seen);
    co_return;
  }
  tell_head(dialogue.answer(), seen);
  if (seen.status != 101) {
    seen.error = WebsocketFailure::not_upgraded;
    co_await within(page_limit, read_page(dialogue));
    seen.body_excerpt = body_excerpt(dialogue.answer().parser().get().body().text);
    co_return;
  }
  if (!core.was_open()) {
    tell_bad_upgrade(dialogue.answer(), core, seen);
    co_return;
  }
  seen.upgraded = seen.accept_valid = true;
  if (const auto chosen = core.subprotocol(); !chosen.empty()) seen.subprotocol = printable(chosen, 100);
  const auto asked = Clock::now();
  const auto answer = co_await within(request.pong_limit, wait_for_pong(dialogue, core));
  if (core.pong_seen()) {
    seen.pong_after = since(asked);
    if (request.idle.count() > 0) co_await stay_idle(dialogue, core, request, seen);
    if (!seen.error) co_await within(goodbye_limit, say_goodbye(dialogue, core));
  } else {
    tell_no_pong(answer, core, dialogue.is_flooded(), seen);
  }
  tell_close(core, seen);
}

std::vector<std::pair<std::string, std::string>> headers_of(const WebsocketRequest& request, const UrlParts& url) {
  std::vector<std::pair<std::string, std::string>> headers;
  // Jupyter and most front ends compare Origin with Host.
  if (!find_header(request.headers, "Origin"))
    headers.emplace_back("Origin", (url.scheme == "wss" ? "https://" : "http://") + url.authority);
  for (const auto& header : request.headers) headers.emplace_back(header.name, header.value);
  return headers;
}

}  // namespace

asio::awaitable<WebsocketObservation> observe_websocket(Connection& connection, WebsocketRequest request,
                                                        bool via_proxy, std::chrono::milliseconds limit) {
  WebsocketObservation seen{.url = printable(redacted_url(request.url))};
  seen.via_proxy = via_proxy;
  if (!request.connection_header.empty()) seen.connection_header = request.connection_header;
  Error gone;
  const auto remote = lowest_layer(connection).remote_endpoint(gone);
  if (!gone) seen.remote = {.address = remote.address().to_string(), .port = remote.port()};
  const auto url = split_url(request.url);
  if (!url || (url->scheme != "ws" && url->scheme != "wss")) {
    seen.error = WebsocketFailure::malformed;
    seen.detail = "not an absolute ws:// or wss:// URL";
    co_return seen;
  }
  WebsocketCore core(url->scheme + "://" + url->authority + url->target, headers_of(request, *url),
                     request.connection_header);
  const auto started = Clock::now();
  if (core.is_ended()) {
    seen.error = WebsocketFailure::malformed;
    seen.detail = printable(core.problem(), 200);
  } else if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&connection)) {
    co_await converse(**tls, core, limit, request, seen);
  } else {
    co_await converse(std::get<asio::ip::tcp::socket>(connection), core, limit, request, seen);
  }
  seen.duration = since(started);
  co_return seen;
}

}  // namespace vnetprobe
