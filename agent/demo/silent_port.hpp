#pragma once

#include <cstdint>
#include <vector>

namespace vnetprobe::demo {

// A loopback TCP port where SYNs get no answer at all: a listener whose queue of one is full and never emptied, so that
// the kernel drops what comes. That is how a firewall's silence looks, and it takes no privilege.
class SilentPort {
 public:
  SilentPort();
  ~SilentPort();
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::vector<int> sockets_;
  std::uint16_t port_{};
};

// A loopback port that is bound and where nothing listens: a SYN is answered with a reset, and nobody else can take it.
class ClosedPort {
 public:
  ClosedPort();
  ~ClosedPort();
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_{};  // before the socket, whose making sets it
  int socket_{-1};
};

}  // namespace vnetprobe::demo
