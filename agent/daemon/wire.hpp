#pragma once

#include "probes/within.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>

namespace vnetprobe {

// A connection, secured or not. What is served is a few pages a minute: a virtual call costs nothing, a second copy of
// every coroutine does.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual asio::awaitable<void> greet() = 0;
  virtual asio::awaitable<std::size_t> read(asio::mutable_buffer into) = 0;
  virtual asio::awaitable<void> write(asio::const_buffer bytes) = 0;
  virtual asio::awaitable<void> say_goodbye() = 0;
  virtual asio::ip::tcp::socket& socket() = 0;
};

std::shared_ptr<Wire> make_wire(asio::ip::tcp::socket socket, std::optional<asio::ssl::context>& tls);

}  // namespace vnetprobe
