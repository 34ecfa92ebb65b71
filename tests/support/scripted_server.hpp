#pragma once

<<<<<<< HEAD
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace vnetprobe::test {

// One accepted connection, blocking.
class Accepted {
 public:
  explicit Accepted(int socket) : socket_(socket) {}
  Accepted(const Accepted&) = delete;
  Accepted& operator=(const Accepted&) = delete;
  ~Accepted() { ::close(socket_); }

  // Whatever has come, at least one byte; empty: the peer has closed.
  std::string read() const {
    char bytes[16384];
    const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(count > 0 ? count : 0)};
  }
  // Reads until `text` has been seen or the peer closes.
  std::string read_until(std::string_view text) const {
    std::string all;
    for (std::string some; all.find(text) == std::string::npos && !(some = read()).empty();) all += some;
    return all;
  }
  // False: the peer is gone.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void wait_for_close() const {
    while (!read().empty()) {
    }
  }
  // The connection ends by RST instead of FIN.
  void reset_at_close() const {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }

 private:
  int socket_;
};

// A TCP server on loopback for what no real one does: one connection after another is handed to `script`, which runs on
// a thread of its own. The script must end when its peer closes.
class ScriptedServer {
 public:
  using Script = std::function<void(const Accepted&)>;

  explicit ScriptedServer(Script script) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0)
      throw std::runtime_error("no listener");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, run = std::move(script)] {
      for (int client; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) run(Accepted(client));
    });
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
    thread_.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }

 private:
  int listener_{-1};
  std::uint16_t port_{};
  std::thread thread_;
};

=======
#include "probes/within.hpp"

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

// Runs `work` on `io`, which may serve its peer too, and returns its result. An exception comes through.
template <class T>
T run(asio::io_context& io, asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr thrown;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr problem, T value) {
    thrown = problem;
    if (!problem) result = std::move(value);
  });
  io.restart();
  while (!result && !thrown && io.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(result.value());
}

// A TCP server on loopback for what no real peer does: each connection is handed to `script`, which may throw when the
// client is gone. Lives on the io_context of the test.
class ScriptedServer {
 public:
  using Socket = asio::ip::tcp::socket;
  using Script = std::function<asio::awaitable<void>(Socket)>;

  ScriptedServer(asio::io_context& io, Script script)
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

>>>>>>> 9bd2d6f (Test HTTP facts and probe against nginx and against servers that mean harm)
}  // namespace vnetprobe::test
