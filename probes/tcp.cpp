#include "probes/tcp.hpp"

#include "probes/icmp_queue.hpp"
#include "probes/kernel_network.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <boost/asio/ip/address.hpp>

namespace vnetprobe {
namespace {

using tcp = asio::ip::tcp;

TcpFailure tcp_failure(int error) {
  switch (error) {
    case ECONNREFUSED:
      return TcpFailure::refused;
    case ETIMEDOUT:
      return TcpFailure::timed_out;
    case EHOSTUNREACH:
      return TcpFailure::host_unreachable;
    case ENETUNREACH:
      return TcpFailure::network_unreachable;
    case EACCES:
    case EPERM:
      return TcpFailure::not_permitted;
    case EINVAL:
      return TcpFailure::invalid_route;
    case EADDRNOTAVAIL:
      return TcpFailure::no_local_address;
    case ECONNRESET:
      return TcpFailure::reset;
    default:
      return TcpFailure::other;
  }
}

void fail(TcpObservation& seen, int error) {
  seen.error = tcp_failure(error);
  seen.errno_name = errno_name(error);
}

tcp_info info_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return info;
}

void read_tcp_info(const tcp_info& info, TcpObservation& seen) {
  // Before the first answer the kernel shows its initial estimate, which nobody measured.
  if (!seen.error) seen.rtt = std::chrono::microseconds(info.tcpi_rtt);
  seen.retransmissions = static_cast<int>(info.tcpi_total_retrans);
  seen.mss = static_cast<int>(info.tcpi_snd_mss);
  seen.send_refused = info.tcpi_state == TCP_SYN_SENT && info.tcpi_total_retrans > 0 && info.tcpi_retrans == 0;
}

void read_local_end(tcp::socket& socket, TcpObservation& seen) {
  boost::system::error_code unbound;
  const auto local = socket.local_endpoint(unbound);
  if (unbound || local.address().is_unspecified()) return;
  seen.local = Endpoint{.address = local.address().to_string(), .port = local.port()};
  auto interface = interface_of(seen.local->address);
  if (!interface.empty()) seen.interface = std::move(interface);
}

// What the node's own tables say about a destination that did not answer.
void look_around(TcpObservation& seen) {
  seen.route = look_up_route(seen.remote.address);
  if (seen.route->error == 0) seen.neighbour = find_neighbour(seen.route->gateway.value_or(seen.remote.address));
}

}  // namespace

asio::awaitable<boost::system::error_code> connect(tcp::socket& socket, tcp::endpoint remote) {
  boost::system::error_code error;
  co_await socket.async_connect(remote, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

void note_size_of_segments(tcp::socket& socket, TcpObservation& seen) {
  const auto now = static_cast<int>(info_of(socket.native_handle()).tcpi_snd_mss);
  constexpr int worth_a_word = 20;
  if (now > 0 && now + worth_a_word <= seen.mss) seen.mss_after = now;
}

asio::awaitable<TcpResult> open_tcp(Endpoint remote, std::chrono::milliseconds limit, TcpOptions options) {
  TcpResult result{.seen = {.remote = remote, .mss_limit = options.mss_limit}, .socket = {}};
  TcpObservation& seen = result.seen;
  boost::system::error_code problem;
  const auto address = asio::ip::make_address(remote.address, problem);
  if (problem) {
    fail(seen, EAFNOSUPPORT);
    co_return result;
  }
  const auto started = Clock::now();
  tcp::socket socket(co_await asio::this_coro::executor);
  socket.open(address.is_v6() ? tcp::v6() : tcp::v4(), problem);
  if (problem) {
    fail(seen, problem.value());
    co_return result;
  }
  queue_icmp_errors(socket.native_handle(), address.is_v6());
  if (options.mss_limit)
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &*options.mss_limit, sizeof(int));
  const tcp::endpoint to(address, remote.port);
  const auto ended = co_await within(limit, connect(socket, to));
  seen.duration = since(started);
  if (!ended) {
    seen.error = TcpFailure::timed_out;
    seen.errno_name = errno_name(ETIMEDOUT);
  } else if (*ended) {
    fail(seen, ended->value());
  }
  const auto queued = take_queued_icmp_error(socket.native_handle());
  if (queued) seen.icmp = queued->icmp;
  const tcp_info info = info_of(socket.native_handle());
  // An ICMP error that meets a locked socket is queued without ending the attempt (tcp_v4_err(): sk_err_soft). The
  // socket then polls as ready with SO_ERROR 0, which Asio takes for a connection.
  if (!seen.error && info.tcpi_state == TCP_SYN_SENT) fail(seen, queued ? queued->error : ETIMEDOUT);
  read_tcp_info(info, seen);
  read_local_end(socket, seen);
  if (seen.error) {
    look_around(seen);
  } else {
    ignore_icmp_errors(socket.native_handle(), address.is_v6());
    result.socket = std::move(socket);
  }
  co_return result;
}

}  // namespace vnetprobe
