#include "probes/udp.hpp"

#include "probes/icmp_queue.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>

namespace vnetprobe {
namespace {

using udp = asio::ip::udp;

UdpFailure udp_failure(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return UdpFailure::not_permitted;
    case ECONNREFUSED:
      return UdpFailure::refused;
    case EHOSTUNREACH:
      return UdpFailure::host_unreachable;
    case ENETUNREACH:
      return UdpFailure::network_unreachable;
    case EINVAL:
      return UdpFailure::invalid_route;
    default:
      return UdpFailure::other;
  }
}

void fail(UdpObservation& seen, int error) {
  seen.error = udp_failure(error);
  seen.errno_name = errno_name(error);
}

asio::awaitable<boost::system::error_code> wait_for_answer(udp::socket& socket) {
  std::array<char, 512> answer{};
  boost::system::error_code error;
  co_await socket.async_receive(asio::buffer(answer), asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

}  // namespace

asio::awaitable<UdpObservation> observe_udp(Endpoint remote, std::chrono::milliseconds limit) {
  constexpr std::array<char, 1> datagram{};
  UdpObservation seen{.remote = remote};
  boost::system::error_code problem;
  const auto address = asio::ip::make_address(remote.address, problem);
  if (problem) {
    fail(seen, EAFNOSUPPORT);
    co_return seen;
  }
  const auto started = Clock::now();
  udp::socket socket(co_await asio::this_coro::executor);
  socket.open(address.is_v6() ? udp::v6() : udp::v4(), problem);
  if (!problem) {
    queue_icmp_errors(socket.native_handle(), address.is_v6());
    socket.connect({address, remote.port}, problem);
  }
  // The error that an ICMP message brings is told by the next call on the socket: the second datagram asks for it.
  for (int attempt = 0; attempt < 2 && !problem && !seen.answered; ++attempt) {
    socket.send(asio::buffer(datagram), 0, problem);
    if (problem) break;
    const auto ended = co_await within(limit / 2, wait_for_answer(socket));
    if (ended) problem = *ended;
    seen.answered = ended && !*ended;
  }
  seen.duration = since(started);
  if (problem) fail(seen, problem.value());
  if (socket.is_open()) seen.icmp = take_icmp_error(socket.native_handle());
  co_return seen;
}

}  // namespace vnetprobe
