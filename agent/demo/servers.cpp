#include "agent/demo/servers.hpp"

#include "agent/demo/answers.hpp"
#include "agent/demo/zone.hpp"
#include "probes/digest.hpp"
#include "probes/within.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>

namespace vnetprobe::demo {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Request = http::request<http::string_body>;

// A connection's servant is bounded: nobody waits for a client that says nothing.
constexpr std::chrono::seconds patience{30};

constexpr bool is_private(std::string_view host) {
  return host.ends_with(".core.windows.net") || host.ends_with(".vault.azure.net") || host.ends_with(".azurecr.io") ||
         host.ends_with(".notebooks.azure.net") || host.find(".workspace.") != std::string_view::npos;
}

// The answer on the wire.
std::string written(const SimulatedAnswer& answer, Fault fault) {
  // When the node's clock is ahead, the rest of the world seems to be behind.
  const auto offset = fault == Fault::clock_skew ? std::chrono::hours(-2) : std::chrono::hours(0);
  const auto when = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + offset);
  const auto reason =
      answer.status == 470 ? "Denied" : std::string(http::obsolete_reason(static_cast<http::status>(answer.status)));
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, reason);
  for (const auto& [name, value] : answer.headers) text += fmt::format("{}: {}\r\n", name, value);
  return text + fmt::format("Date: {:%a, %d %b %Y %H:%M:%S GMT}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                            fmt::gmtime(when), answer.body.size(), answer.body);
}

using Tls = asio::ssl::stream<tcp::socket>;

// Beast's own reading and writing would be compiled for each kind of stream again.
template <class Stream>
asio::awaitable<Request> read_request(Stream& stream) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  std::string unread;
  std::array<char, 4096> block{};
  while (!parser.is_done()) {
    const std::size_t size = co_await stream.async_read_some(asio::buffer(block), asio::use_awaitable);
    unread.append(block.data(), size);
    beast::error_code problem;
    unread.erase(0, parser.put(asio::buffer(unread), problem));
    if (problem && problem != http::error::need_more) throw beast::system_error(problem);
  }
  co_return parser.release();
}

template <class Stream>
asio::awaitable<void> write_answer(Stream& stream, SimulatedAnswer answer, Fault fault) {
  const std::string text = written(answer, fault);
  co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
}

// RFC 6455 section 4.2.2: the proof that the server speaks WebSocket.
std::string accept_key(std::string_view key) {
  return base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

struct Frame {
  unsigned opcode{};
  std::string payload;
};

// A client's control frame: masked, 125 bytes at most (RFC 6455 section 5.5). The probe sends nothing longer.
asio::awaitable<Frame> read_frame(Tls& stream) {
  std::array<unsigned char, 6> head{};
  co_await asio::async_read(stream, asio::buffer(head), asio::use_awaitable);
  const unsigned size = head[1] & 0x7fU;
  if (size > 125 || (head[1] & 0x80U) == 0) throw std::runtime_error("not a control frame of a client");
  Frame frame{.opcode = head[0] & 0x0fU, .payload = std::string(size, '\0')};
  co_await asio::async_read(stream, asio::buffer(frame.payload), asio::use_awaitable);
  for (std::size_t i = 0; i < frame.payload.size(); ++i)
    frame.payload[i] = static_cast<char>(static_cast<unsigned char>(frame.payload[i]) ^ head[2 + i % 4]);
  co_return frame;
}

// Says what a kernel's channel says to the probe: pongs, and goodbye. Beast's stream would do it too, and make the
// release file half a megabyte larger.
asio::awaitable<void> serve_websocket(Tls stream, Request request, Fault fault) {
  constexpr unsigned close = 8, ping = 9, pong = 10;
  const std::string accepted = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
      "{}\r\n\r\n",
      accept_key(std::string(request[http::field::sec_websocket_key])));
  co_await asio::async_write(stream, asio::buffer(accepted), asio::use_awaitable);
  if (fault == Fault::websocket_dropped) co_return;
  for (;;) {
    const auto frame = co_await read_frame(stream);
    if (frame.opcode != ping && frame.opcode != close) continue;
    const unsigned answer = frame.opcode == ping ? pong : close;
    const std::string text =
        std::string{static_cast<char>(0x80U | answer), static_cast<char>(frame.payload.size())} + frame.payload;
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    if (frame.opcode == close) co_return;
  }
}

bool is_instance(const std::string& host) { return host.find(".instances.azureml.") != std::string::npos; }

asio::awaitable<void> serve_one(tcp::socket socket, Wardrobe& wardrobe, Fault fault) {
  // The name is known once the ClientHello was read; the context for it is put in place then.
  asio::ssl::context choosing(asio::ssl::context::tls_server);
  std::string host;
  struct Chooser {
    Wardrobe& wardrobe;
    std::string& host;
  } chooser{wardrobe, host};
  SSL_CTX_set_tlsext_servername_arg(choosing.native_handle(), &chooser);
  SSL_CTX_set_tlsext_servername_callback(
      choosing.native_handle(), +[](SSL* ssl, int*, void* argument) -> int {
        auto& self = *static_cast<Chooser*>(argument);
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (!name) return SSL_TLSEXT_ERR_ALERT_FATAL;
        self.host = name;
        SSL_set_SSL_CTX(ssl, self.wardrobe.context_for(self.host).native_handle());
        return SSL_TLSEXT_ERR_OK;
      });
  Tls stream(std::move(socket), choosing);
  co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  auto request = co_await read_request(stream);
  const bool upgrade = beast::iequals(request[http::field::upgrade], "websocket");
  if (upgrade && is_instance(host) && fault != Fault::websocket_stripped) {
    co_await serve_websocket(std::move(stream), std::move(request), fault);
    co_return;
  }
  co_await write_answer(stream, service_answer(host, std::string(request.target()), fault), fault);
  beast::error_code ignored;
  co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> serve_one_plain(tcp::socket socket, PlainService service, Fault fault) {
  const auto request = co_await read_request(socket);
  const std::string target(request.target());
  const std::string host(request[http::field::host]);
  SimulatedAnswer answer;
  switch (service) {
    case PlainService::imds:
      answer = imds_answer(target, request.count("Metadata") > 0);
      break;
    case PlainService::wireserver:
      answer = wireserver_answer(target);
      break;
    case PlainService::web:
      answer = service_answer(host.substr(0, host.find(':')), target, fault);
      break;
  }
  co_await write_answer(socket, std::move(answer), fault);
}

asio::awaitable<void> answer_tcp_query(tcp::socket socket, Fault fault) {
  std::array<unsigned char, 2> length{};
  co_await asio::async_read(socket, asio::buffer(length), asio::use_awaitable);
  std::vector<unsigned char> query(static_cast<std::size_t>(length[0]) << 8 | length[1]);
  co_await asio::async_read(socket, asio::buffer(query), asio::use_awaitable);
  auto answer = answer_query(query, fault);
  const std::array<unsigned char, 2> size{static_cast<unsigned char>(answer.size() >> 8),
                                          static_cast<unsigned char>(answer.size() & 0xff)};
  answer.insert(answer.begin(), size.begin(), size.end());
  co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
}

// A client that leaves early is none of the server's business.
asio::awaitable<void> patiently(asio::awaitable<void> servant) {
  using namespace asio::experimental::awaitable_operators;
  try {
    co_await (std::move(servant) || sleep_for(patience));
  } catch (const std::exception&) {
  }
}

template <class Serve>
asio::awaitable<void> accept_each(tcp::acceptor acceptor, Serve serve) {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    // The servants live on the server's loop and end with it: SimulatedVnet stops and joins that loop.
    asio::co_spawn(executor, patiently(serve(std::move(socket))), asio::detached);
  }
}

}  // namespace

Wardrobe::Wardrobe(const Authority& azure, const Authority& inspector, Fault fault)
    : azure_(azure), inspector_(inspector), fault_(fault) {}

asio::ssl::context& Wardrobe::context_for(const std::string& host) {
  auto& context = contexts_[host];
  if (context) return *context;
  const bool inspected =
      (fault_ == Fault::tls_intercepted || fault_ == Fault::tls_intercepted_untrusted) && !is_private(host);
  const bool expired = fault_ == Fault::tls_expired && host.ends_with(".vault.azure.net");
  context = (inspected ? inspector_ : azure_).server_context(host, expired ? -2 : 90);
  return *context;
}

asio::awaitable<void> serve_dns_udp(asio::ip::udp::socket socket, Fault fault) {
  for (;;) {
    std::vector<unsigned char> query(1500);
    asio::ip::udp::endpoint from;
    const std::size_t size = co_await socket.async_receive_from(asio::buffer(query), from, asio::use_awaitable);
    query.resize(size);
    const auto answer = answer_query(query, fault);
    if (answer.empty() || fault == Fault::dns_server_dead) continue;
    boost::system::error_code gone;
    co_await socket.async_send_to(asio::buffer(answer), from, asio::redirect_error(asio::use_awaitable, gone));
  }
}

asio::awaitable<void> serve_dns_tcp(tcp::acceptor acceptor, Fault fault) {
  return accept_each(std::move(acceptor),
                     [fault](tcp::socket socket) { return answer_tcp_query(std::move(socket), fault); });
}

asio::awaitable<void> serve_services(tcp::acceptor acceptor, Wardrobe& wardrobe, Fault fault) {
  return accept_each(std::move(acceptor),
                     [&wardrobe, fault](tcp::socket socket) { return serve_one(std::move(socket), wardrobe, fault); });
}

asio::awaitable<void> serve_plain(tcp::acceptor acceptor, PlainService service, Fault fault) {
  return accept_each(std::move(acceptor), [service, fault](tcp::socket socket) {
    return serve_one_plain(std::move(socket), service, fault);
  });
}

namespace {

asio::awaitable<void> listen_only(tcp::socket socket) {
  std::array<char, 256> ignored{};
  for (;;) co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> serve_silence(tcp::acceptor acceptor) {
  return accept_each(std::move(acceptor), [](tcp::socket socket) { return listen_only(std::move(socket)); });
}

}  // namespace vnetprobe::demo
