#include "agent/demo/servers.hpp"

#include "agent/demo/answers.hpp"
#include "agent/demo/zone.hpp"
#include "probes/within.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <array>

namespace vnetprobe::demo {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// A connection's servant is bounded: nobody waits for a client that says nothing.
constexpr std::chrono::seconds patience{30};

constexpr bool is_private(std::string_view host) {
  return host.ends_with(".core.windows.net") || host.ends_with(".vault.azure.net") || host.ends_with(".azurecr.io") ||
         host.ends_with(".notebooks.azure.net") || host.find(".workspace.") != std::string_view::npos;
}

Response with_date(const SimulatedAnswer& answer, const Request& request, Fault fault) {
  Response response{static_cast<http::status>(answer.status), request.version()};
  if (answer.status == 470) response.reason("Denied");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  // When the node's clock is ahead, the rest of the world seems to be behind.
  const auto offset = fault == Fault::clock_skew ? std::chrono::hours(-2) : std::chrono::hours(0);
  const auto when = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + offset);
  response.set(http::field::date, fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(when)));
  response.body() = answer.body;
  response.prepare_payload();
  response.keep_alive(false);
  return response;
}

using Tls = beast::ssl_stream<tcp::socket>;

asio::awaitable<void> serve_websocket(Tls stream, Request request, Fault fault) {
  beast::websocket::stream<Tls> socket(std::move(stream));
  co_await socket.async_accept(request, asio::use_awaitable);
  if (fault == Fault::websocket_dropped) co_return;
  beast::flat_buffer buffer;
  // Beast answers pings while a read is under way; the read ends when the peer closes.
  for (;;) {
    co_await socket.async_read(buffer, asio::use_awaitable);
    buffer.consume(buffer.size());
  }
}

template <class Stream>
asio::awaitable<void> answer_request(Stream& stream, const Request& request, SimulatedAnswer answer, Fault fault) {
  auto response = with_date(answer, request, fault);
  co_await http::async_write(stream, response, asio::use_awaitable);
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
  beast::flat_buffer buffer;
  Request request;
  co_await http::async_read(stream, buffer, request, asio::use_awaitable);
  const bool upgrade = beast::websocket::is_upgrade(request);
  if (upgrade && is_instance(host) && fault != Fault::websocket_stripped) {
    co_await serve_websocket(std::move(stream), std::move(request), fault);
    co_return;
  }
  co_await answer_request(stream, request, service_answer(host, std::string(request.target()), fault), fault);
  beast::error_code ignored;
  co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> serve_one_plain(tcp::socket socket, PlainService service, Fault fault) {
  beast::flat_buffer buffer;
  Request request;
  co_await http::async_read(socket, buffer, request, asio::use_awaitable);
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
  co_await answer_request(socket, request, std::move(answer), fault);
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
