#include "agent/demo/silent_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace vnetprobe::demo {
namespace {

[[noreturn]] void failed(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int bound_socket(std::uint16_t& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) failed("socket");
  sockaddr_in address = loopback(0);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) failed("bind");
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) failed("getsockname");
  port = ntohs(address.sin_port);
  return socket;
}

// How many connections it takes to fill the queue differs between kernels by one or two.
constexpr int fillers = 8;
constexpr int settled_after_milliseconds = 50;

}  // namespace

SilentPort::SilentPort() {
  sockets_.push_back(bound_socket(port_));
  if (::listen(sockets_.front(), 0) != 0) failed("listen");
  const sockaddr_in address = loopback(port_);
  for (int i = 0; i < fillers; ++i) {
    const int filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (filler < 0) failed("socket");
    sockets_.push_back(filler);
    if (::connect(filler, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
      failed("connect");
    pollfd connected{.fd = filler, .events = POLLOUT, .revents = 0};
    if (::poll(&connected, 1, settled_after_milliseconds) == 0) return;  // no answer: the queue is full
  }
}

SilentPort::~SilentPort() {
  for (const int socket : sockets_) ::close(socket);
}

ClosedPort::ClosedPort() : socket_(bound_socket(port_)) {}

ClosedPort::~ClosedPort() { ::close(socket_); }

}  // namespace vnetprobe::demo
