#pragma once

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

}  // namespace vnetprobe::test
