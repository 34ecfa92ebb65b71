#pragma once

#include "probes/within.hpp"
#include "tests/support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <optional>
#include <string>

namespace vnetprobe::test {

// A TCP server on loopback for what no real peer does: each connection is handed to `script`, which may throw when the
// client is gone. Lives on the io_context of the test.
class ScriptedPeer {
 public:
  using Socket = asio::ip::tcp::socket;
  using Script = std::function<asio::awaitable<void>(Socket)>;

  ScriptedPeer(asio::io_context& io, Script script)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), script_(std::move(script)) {
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, Socket socket) {
      if (error) return;
      asio::co_spawn(acceptor_.get_executor(), script_(std::move(socket)), [](const std::exception_ptr&) {});
      accept();
    });
  }

  asio::ip::tcp::acceptor acceptor_;
  Script script_;
};

// The head of a request, with its empty line.
template <class Stream>
asio::awaitable<std::string> read_request(Stream& stream) {
  std::string request;
  co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
  co_return request;
}

template <class Stream>
asio::awaitable<void> write_all(Stream& stream, std::string bytes) {
  co_await asio::async_write(stream, asio::buffer(bytes), asio::use_awaitable);
}

// Until the client closes.
template <class Stream>
asio::awaitable<void> wait_for_end(Stream& stream) {
  char bytes[4096];
  boost::system::error_code error;
  while (!error) co_await stream.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
}

// Ends a connection with RST instead of FIN.
inline void reset(asio::ip::tcp::socket& socket) {
  socket.set_option(asio::socket_base::linger(true, 0));
  socket.close();
}

}  // namespace vnetprobe::test
