#include "probes/path.hpp"

#include "probes/concurrently.hpp"
#include "probes/icmp_queue.hpp"
#include "probes/tcp.hpp"

#include <netinet/in.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

void limit_ttl(int socket, bool v6, int ttl) {
  if (v6)
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
  else
    ::setsockopt(socket, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
}

bool is_time_exceeded(const IcmpError& icmp, bool v6) { return icmp.type == (v6 ? 3 : 11); }

asio::awaitable<void> ask_hop(tcp::endpoint remote, PathHop& hop, std::chrono::milliseconds limit) {
  tcp::socket socket(co_await asio::this_coro::executor);
  Error problem;
  socket.open(remote.protocol(), problem);
  if (problem) co_return;
  const bool v6 = remote.address().is_v6();
  queue_icmp_errors(socket.native_handle(), v6);
  limit_ttl(socket.native_handle(), v6, hop.ttl);
  const auto ended = co_await within(limit, connect(socket, remote));
  if (const auto icmp = take_icmp_error(socket.native_handle())) {
    hop.reply = is_time_exceeded(*icmp, v6) ? PathReply::time_exceeded : PathReply::unreachable;
    hop.address = icmp->offender;
  } else if (ended && !*ended) {
    hop.reply = PathReply::answered;
  } else if (ended && (*ended == asio::error::connection_refused || *ended == asio::error::connection_reset)) {
    hop.reply = PathReply::refused;
  }
}

// The bytes that OpenSSL would send first.
std::string client_hello(TlsContext& context, const std::string& server_name) {
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.context().native_handle()), SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
  SSL_connect(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

// What comes back to `bytes`; an error is how it ended.
asio::awaitable<Error> say(tcp::socket& socket, const std::string& bytes) {
  Error error;
  co_await asio::async_write(socket, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  std::array<char, 1> answer{};
  if (!error) co_await socket.async_read_some(asio::buffer(answer), asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

struct Hello {
  Endpoint remote;
  std::string bytes;
  std::chrono::milliseconds connect_limit, limit;
};

asio::awaitable<void> greet_hop(const Hello& hello, PathHop& hop) {
  auto opened = co_await open_tcp(hello.remote, hello.connect_limit);
  if (!opened.socket) co_return;
  const bool v6 = hello.remote.address.find(':') != std::string::npos;
  const int handle = opened.socket->native_handle();
  queue_icmp_errors(handle, v6);
  limit_ttl(handle, v6, hop.ttl);
  const auto ended = co_await within(hello.limit, say(*opened.socket, hello.bytes));
  if (!ended) co_return;
  if (!*ended) {
    hop.reply = PathReply::answered;
  } else if (*ended == asio::error::host_unreachable || *ended == asio::error::network_unreachable) {
    // On an established connection the kernel tells that the packet died, and sometimes not where.
    hop.reply = PathReply::time_exceeded;
    if (const auto icmp = take_icmp_error(handle)) hop.address = icmp->offender;
  } else {
    hop.reply = PathReply::cut;
  }
}

bool is_reached(const PathHop& hop) {
  return hop.reply == PathReply::answered || hop.reply == PathReply::refused || hop.reply == PathReply::cut;
}

std::vector<PathHop> hops_to_ask(int count) {
  std::vector<PathHop> hops;
  for (int ttl = 1; ttl <= count; ++ttl) hops.push_back({.ttl = ttl});
  return hops;
}

void conclude(std::vector<PathHop> hops, PathObservation& seen) {
  const auto reached = std::find_if(hops.begin(), hops.end(), is_reached);
  if (reached != hops.end()) {
    seen.reached_at = reached->ttl;
    hops.erase(reached + 1, hops.end());
  } else {
    seen.error = PathFailure::unreached;
    while (!hops.empty() && hops.back().reply == PathReply::silent) hops.pop_back();
  }
  seen.hops = std::move(hops);
}

// Routers send few ICMP errors a second: who kept silent nearer than somebody else who spoke is asked once more.
std::vector<PathHop*> silent_before_the_last(std::vector<PathHop>& hops) {
  auto end = std::find_if(hops.begin(), hops.end(), is_reached);
  if (end == hops.end())
    while (end != hops.begin() && (end - 1)->reply == PathReply::silent) --end;
  std::vector<PathHop*> silent;
  for (auto hop = hops.begin(); hop != end; ++hop)
    if (hop->reply == PathReply::silent) silent.push_back(&*hop);
  return silent;
}

}  // namespace

asio::awaitable<PathObservation> trace_syn(Endpoint remote, PathBounds bounds) {
  PathObservation seen{.remote = remote, .packet = PathPacket::syn};
  auto hops = hops_to_ask(bounds.hops);
  Error bad;
  const auto address = asio::ip::make_address(remote.address, bad);
  const auto started = Clock::now();
  std::vector<asio::awaitable<void>> work;
  for (auto& hop : hops)
    if (!bad) work.push_back(ask_hop({address, remote.port}, hop, bounds.limit));
  co_await concurrently(std::move(work));
  std::vector<asio::awaitable<void>> again;
  for (auto* hop : silent_before_the_last(hops)) again.push_back(ask_hop({address, remote.port}, *hop, bounds.limit));
  co_await concurrently(std::move(again));
  seen.duration = since(started);
  conclude(std::move(hops), seen);
  co_return seen;
}

asio::awaitable<PathObservation> trace_client_hello(Endpoint remote, TlsContext& context, std::string server_name,
                                                    std::chrono::milliseconds connect_limit, PathBounds bounds) {
  PathObservation seen{.remote = remote, .packet = PathPacket::client_hello, .name = server_name};
  auto hops = hops_to_ask(bounds.hops);
  const Hello hello{.remote = remote,
                    .bytes = client_hello(context, server_name),
                    .connect_limit = connect_limit,
                    .limit = bounds.limit};
  const auto started = Clock::now();
  std::vector<asio::awaitable<void>> work;
  for (auto& hop : hops) work.push_back(greet_hop(hello, hop));
  co_await concurrently(std::move(work));
  seen.duration = since(started);
  conclude(std::move(hops), seen);
  co_return seen;
}

}  // namespace vnetprobe
