#include "agent/daemon/wire.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace vnetprobe {
namespace {

using tcp = asio::ip::tcp;

class PlainWire final : public Wire {
 public:
  explicit PlainWire(tcp::socket socket) : socket_(std::move(socket)) {}
  asio::awaitable<void> greet() override { co_return; }
  asio::awaitable<std::size_t> read(asio::mutable_buffer into) override {
    return socket_.async_read_some(into, asio::use_awaitable);
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(socket_, bytes, asio::use_awaitable);
  }
  asio::awaitable<void> say_goodbye() override { co_return; }
  tcp::socket& socket() override { return socket_; }

 private:
  tcp::socket socket_;
};

class TlsWire final : public Wire {
 public:
  TlsWire(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}
  asio::awaitable<void> greet() override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  }
  asio::awaitable<std::size_t> read(asio::mutable_buffer into) override {
    return stream_.async_read_some(into, asio::use_awaitable);
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(stream_, bytes, asio::use_awaitable);
  }
  asio::awaitable<void> say_goodbye() override {
    boost::system::error_code ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  }
  tcp::socket& socket() override { return stream_.next_layer(); }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::shared_ptr<Wire> make_wire(tcp::socket socket, std::optional<asio::ssl::context>& tls) {
  if (tls) return std::make_shared<TlsWire>(std::move(socket), *tls);
  return std::make_shared<PlainWire>(std::move(socket));
}

}  // namespace vnetprobe
