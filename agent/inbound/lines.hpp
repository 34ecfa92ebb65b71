#pragma once

#include "probes/within.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace vnetprobe::inbound {

// One line of a peer that is not trusted: no more than line_at_most bytes are ever kept.
struct LineRead {
  std::string bytes;  // without the end of the line where it is whole; else what came
  bool whole{};
  boost::system::error_code error;  // why there is no more
};
asio::awaitable<void> read_line(asio::ip::tcp::socket& socket, LineRead& into);

asio::awaitable<boost::system::error_code> write_line(asio::ip::tcp::socket& socket, std::string line);

}  // namespace vnetprobe::inbound
