#include "probes/dns.hpp"

#include "probes/dns_message.hpp"
#include "probes/icmp_queue.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

namespace vnetprobe {
namespace {

using tcp = asio::ip::tcp;
using udp = asio::ip::udp;
using Error = boost::system::error_code;
using Bytes = std::vector<unsigned char>;

bool is_interrupted(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// What one exchange with the server came to, whoever cut it short.
struct Exchange {
  Bytes query;
  Bytes answer;        // to our question
  Bytes under_our_id;  // the last message with the query's id that answers another question, or none at all
  int error{};         // errno that ended it
  std::optional<IcmpError> icmp;
  bool closed_by_peer{};
  int sent{};  // datagrams
};

void note_error(int error, int socket, Exchange& exchange) {
  exchange.error = error;
  exchange.icmp = take_icmp_error(socket);
}

// Without EDNS, as the libc asks: an answer over 512 bytes shows here as it shows to programs.
int encode(const DnsObservation& asked, Bytes& query) {
  static std::random_device entropy;
  unsigned char* bytes = nullptr;
  int size = 0;
  const int status = ares_create_query(asked.name.c_str(), ns_c_in, asked.question == "AAAA" ? ns_t_aaaa : ns_t_a,
                                       static_cast<unsigned short>(entropy()), 1, &bytes, &size, 0);
  if (status != ARES_SUCCESS) return status;
  query.assign(bytes, bytes + size);
  ares_free_string(bytes);
  return status;
}

bool has_our_id(const Exchange& exchange, DnsMessage message) {
  return message.size() >= 2 && std::equal(message.begin(), message.begin() + 2, exchange.query.begin());
}

// Some servers that refuse or fail early do not repeat the question.
bool is_bare_error(DnsMessage message) {
  constexpr std::size_t header = 12;
  return message.size() >= header && (message[2] & 0x80U) != 0 && (message[3] & 0x0fU) != 0 && message[4] == 0 &&
         message[5] == 0;
}

// Keeps a message with our id. True: it is the answer. Anything else may be a forgery, and the real one yet to come.
bool take(DnsMessage message, const DnsObservation& asked, Exchange& exchange) {
  if (!has_our_id(exchange, message)) return false;
  const bool ours = answers_question(message, asked.name, asked.question) || is_bare_error(message);
  (ours ? exchange.answer : exchange.under_our_id).assign(message.begin(), message.end());
  return ours;
}

// True: something ended the wait, an answer or an error.
asio::awaitable<bool> receive(udp::socket& socket, const DnsObservation& asked, Exchange& exchange) {
  const int handle = socket.native_handle();
  // The longest datagram: what does not fit would be dropped by the kernel.
  static thread_local std::array<unsigned char, 65536> whole;
  for (;;) {
    Error stopped;
    co_await socket.async_wait(udp::socket::wait_read, asio::redirect_error(asio::use_awaitable, stopped));
    if (stopped) co_return true;
    const auto count = ::recv(handle, whole.data(), whole.size(), 0);
    if (count < 0 && is_interrupted(errno)) continue;
    if (count < 0) {
      note_error(errno, handle, exchange);
      co_return true;
    }
    if (take({whole.data(), static_cast<std::size_t>(count)}, asked, exchange)) co_return true;
  }
}

// Like every resolver (RFC 1035, 4.2.1) it asks again before it gives up: a network that is in order may lose a
// datagram. What it came to is in `exchange`.
asio::awaitable<void> exchange_udp(udp::endpoint server, const DnsObservation& asked, std::chrono::milliseconds limit,
                                   Exchange& exchange) {
  constexpr int datagrams_at_most = 3;
  udp::socket socket(co_await asio::this_coro::executor);
  Error problem;
  socket.open(server.protocol(), problem);
  const int handle = problem ? -1 : socket.native_handle();
  // Else the kernel keeps "host unreachable" and its kin from a UDP socket (ip(7)) and they would look like silence.
  if (!problem) queue_icmp_errors(handle, server.address().is_v6());
  if (!problem) socket.non_blocking(true, problem);
  if (!problem) socket.connect(server, problem);
  while (exchange.sent < datagrams_at_most) {
    if (!problem) socket.send(asio::buffer(exchange.query), 0, problem);
    if (problem) {
      note_error(problem.value(), handle, exchange);
      co_return;
    }
    ++exchange.sent;
    const auto came = co_await within(limit / datagrams_at_most, receive(socket, asked, exchange));
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (came || cancellation.cancelled() != asio::cancellation_type::none) co_return;
  }
}

// True: it came to an end by itself.
asio::awaitable<bool> exchange_tcp(tcp::endpoint server, const DnsObservation& asked, Exchange& exchange) {
  tcp::socket socket(co_await asio::this_coro::executor);
  Error problem;
  socket.open(server.protocol(), problem);
  if (problem) {
    exchange.error = problem.value();
    co_return true;
  }
  queue_icmp_errors(socket.native_handle(), server.address().is_v6());
  co_await socket.async_connect(server, asio::redirect_error(asio::use_awaitable, problem));
  const auto length = exchange.query.size();
  Bytes framed{static_cast<unsigned char>(length >> 8U), static_cast<unsigned char>(length & 0xffU)};
  framed.insert(framed.end(), exchange.query.begin(), exchange.query.end());
  if (!problem)
    co_await asio::async_write(socket, asio::buffer(framed), asio::redirect_error(asio::use_awaitable, problem));
  // One message after another: a server may send those of other questions first, bounded by the caller's limit.
  while (!problem) {
    std::array<unsigned char, 2> head{};
    co_await asio::async_read(socket, asio::buffer(head), asio::redirect_error(asio::use_awaitable, problem));
    if (problem) break;
    Bytes message((static_cast<std::size_t>(head[0]) << 8U) | head[1]);
    co_await asio::async_read(socket, asio::buffer(message), asio::redirect_error(asio::use_awaitable, problem));
    if (!problem && take(message, asked, exchange)) co_return true;
  }
  if (problem == asio::error::eof)
    exchange.closed_by_peer = true;
  else if (problem != asio::error::operation_aborted)
    note_error(problem.value(), socket.native_handle(), exchange);
  co_return true;
}

std::string error_words(const Exchange& exchange) {
  std::string text = fmt::format("{}: {}", errno_name(exchange.error), std::strerror(exchange.error));
  if (const auto& icmp = exchange.icmp)
    text += fmt::format(" (ICMP type {} code {} from {})", icmp->type, icmp->code, icmp->offender);
  return text;
}

void conclude(const Exchange& exchange, DnsObservation& seen) {
  const Bytes& message = exchange.answer.empty() ? exchange.under_our_id : exchange.answer;
  if (!message.empty()) {
    read_answer(message, seen);
  } else if (exchange.error != 0) {
    seen.error = DnsFailure::unreachable;
    seen.detail = error_words(exchange);
    seen.errno_name = errno_name(exchange.error);
    seen.icmp = exchange.icmp;
  } else if (exchange.closed_by_peer) {
    seen.error = DnsFailure::unreachable;
    seen.detail = "the server closed the connection without an answer";
  } else {
    seen.error = DnsFailure::timed_out;
  }
}

}  // namespace

asio::awaitable<DnsObservation> observe_dns(std::string name, DnsType type, Endpoint server, DnsTransport transport,
                                            std::chrono::milliseconds limit) {
  if (name.ends_with('.')) name.pop_back();
  DnsObservation seen{.name = std::move(name), .via = DnsVia::server, .server = server, .transport = transport};
  seen.question = type == DnsType::aaaa ? "AAAA" : "A";
  Error not_an_address;
  const auto address = asio::ip::make_address(server.address, not_an_address);
  if (not_an_address) {
    seen.error = DnsFailure::no_resolver;
    if (!server.address.empty()) seen.detail = fmt::format("'{}' is not an IP address", server.address);
    co_return seen;
  }
  Exchange exchange;
  if (const int status = encode(seen, exchange.query); status != ARES_SUCCESS) {
    seen.error = DnsFailure::malformed;
    seen.detail = fmt::format("c-ares: {}", ares_strerror(status));
    co_return seen;
  }
  const std::uint16_t port = server.port == 0 ? std::uint16_t{53} : server.port;
  const auto started = Clock::now();
  if (transport == DnsTransport::tcp)
    co_await within(limit, exchange_tcp(tcp::endpoint(address, port), seen, exchange));
  else
    co_await exchange_udp(udp::endpoint(address, port), seen, limit, exchange);
  seen.duration = since(started);
  if (exchange.sent > 1) seen.sent = exchange.sent;
  conclude(exchange, seen);
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (seen.error == DnsFailure::timed_out && cancellation.cancelled() != asio::cancellation_type::none)
    seen.detail = "stopped from outside before the limit";
  co_return seen;
}

}  // namespace vnetprobe
