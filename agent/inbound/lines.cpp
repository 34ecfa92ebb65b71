#include "agent/inbound/lines.hpp"

#include "agent/inbound/proof.hpp"

#include <boost/asio/write.hpp>

#include <array>

namespace vnetprobe::inbound {

asio::awaitable<void> read_line(asio::ip::tcp::socket& socket, LineRead& into) {
  std::array<char, line_at_most> piece{};
  while (into.bytes.size() < line_at_most) {
    const auto room = asio::buffer(piece.data(), line_at_most - into.bytes.size());
    const std::size_t size =
        co_await socket.async_read_some(room, asio::redirect_error(asio::use_awaitable, into.error));
    into.bytes.append(piece.data(), size);
    const auto end = into.bytes.find('\n');
    if (end != std::string::npos) {
      into.bytes.erase(end);
      into.whole = true;
      co_return;
    }
    if (into.error) co_return;
  }
}

asio::awaitable<boost::system::error_code> write_line(asio::ip::tcp::socket& socket, std::string line) {
  line += '\n';
  boost::system::error_code error;
  co_await asio::async_write(socket, asio::buffer(line), asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

}  // namespace vnetprobe::inbound
