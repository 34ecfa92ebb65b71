#include "agent/inbound/listener.hpp"

#include "agent/inbound/lines.hpp"
#include "agent/inbound/proof.hpp"
#include "probes/inbound.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <list>
#include <map>

namespace vnetprobe::inbound {
namespace {

using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::chrono::seconds patience{10};
constexpr std::size_t peers_at_once = 256;
constexpr std::size_t visitors_kept = 50;

Moment now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

std::string why_not_bound(std::uint16_t port, const Error& error) {
  if (error == asio::error::address_in_use)
    return fmt::format(
        "port {} is in use already: if the service itself listens there, test the way to it with "
        "`vnetprobe reach` alone (it says \"answered by another\" then), or stop the service for the test",
        port);
  if (error == asio::error::access_denied)
    return fmt::format("port {}: ports below 1024 need root; run it with sudo", port);
  return fmt::format("port {}: {}", port, error.message());
}

class Listener {
 public:
  explicit Listener(const ListenWish& wish) : wish_(wish), changed_(loop_) {
    changed_.expires_at(Clock::time_point::max());
    report_.started_at = now();
    for (const auto port : wish.ports) report_.ports.push_back({.port = port});
  }

  ListenReport listen() {
    for (auto& port : report_.ports) open(port);
    if (wish_.ready) wish_.ready(report_);
    if (!acceptors_.empty()) {
      for (auto& one : acceptors_) asio::co_spawn(loop_, accept(one), asio::detached);
      asio::co_spawn(loop_, watch_half_open(), asio::detached);
      std::exception_ptr problem;
      asio::co_spawn(loop_, until_done(), [&](std::exception_ptr thrown) {
        problem = thrown;
        loop_.stop();
      });
      loop_.run();
      if (problem) std::rethrow_exception(problem);
    }
    report_.finished_at = now();
    return std::move(report_);
  }

 private:
  struct Open {
    tcp::acceptor acceptor;
    PortVisits* port;
  };

  Error bind_at(const std::string& address, PortVisits& port) {
    Error error;
    const tcp::endpoint at(asio::ip::make_address(address, error), port.port);
    tcp::acceptor acceptor(loop_);
    if (!error) acceptor.open(at.protocol(), error);
    if (!error && at.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptors_.push_back({std::move(acceptor), &port});
    return error;
  }

  // Without IPv6 on this machine one family is enough; a port that somebody else has at one address is not ours.
  void open(PortVisits& port) {
    const auto everywhere = std::vector<std::string>{"0.0.0.0", "::"};
    const auto before = acceptors_.size();
    for (const auto& address : wish_.addresses.empty() ? everywhere : wish_.addresses) {
      const auto error = bind_at(address, port);
      if (!error || (address == "::" && error != asio::error::address_in_use)) continue;
      port.problem = why_not_bound(port.port, error);
      acceptors_.erase(acceptors_.begin() + static_cast<std::ptrdiff_t>(before), acceptors_.end());
      return;
    }
    if (acceptors_.size() == before) port.problem = fmt::format("port {}: no address to listen at", port.port);
  }

  asio::awaitable<void> accept(Open& one) {
    for (;;) {
      Error error;
      tcp::socket socket(loop_);
      tcp::endpoint peer;
      co_await one.acceptor.async_accept(socket, peer, asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // Out of descriptors: some come back within the peers' patience.
        constexpr std::chrono::milliseconds pause{100};
        co_await sleep_for(pause);
        continue;
      }
      const std::string address = to_string(Endpoint{.address = peer.address().to_string(), .port = peer.port()});
      // A crowd of strangers keeps nobody out: the one that has been idle for longest makes room.
      if (heard_.size() >= peers_at_once) heard_.front()->close(error);
      asio::co_spawn(loop_, hear(std::move(socket), address, *one.port), asio::detached);
    }
  }

  asio::awaitable<void> hear(tcp::socket socket, std::string address, PortVisits& port) {
    const auto place = heard_.insert(heard_.end(), &socket);
    const auto proven = co_await within(patience, talk(socket, address, port.port));
    heard_.erase(place);
    note(port, address, proven.value_or(false));
    if (proven.value_or(false)) changed_.cancel();
  }

  // The listener's lines of the protocol. True: the peer has the token, and knows that we have.
  asio::awaitable<bool> talk(tcp::socket& socket, std::string address, std::uint16_t port) {
    LineRead hello, proof;
    co_await read_line(socket, hello);
    const auto nonce = nonce_of_hello(hello.bytes);
    if (!hello.whole || !nonce) co_return false;
    const Exchange exchange{.reach_nonce = *nonce, .listen_nonce = make_nonce(), .port = port};
    const auto unsent = co_await write_line(socket, challenge_line(exchange.listen_nonce));
    if (unsent) co_return false;
    co_await read_line(socket, proof);
    if (!proof.whole || !is_proof(proof.bytes, wish_.token, exchange)) co_return false;
    const auto lost = co_await write_line(socket, seen_line(wish_.token, exchange, address));
    co_return !lost;
  }

  void note(PortVisits& port, const std::string& address, bool proven) {
    const Visitor visitor{.address = address, .at = now(), .proven = proven};
    ++port.visits;
    if (proven) ++port.proven;
    // Whoever has the token is worth a place that a thousand others have taken.
    if (port.visitors.size() < visitors_kept)
      port.visitors.push_back(visitor);
    else if (proven && port.proven == 1)
      port.visitors.back() = visitor;
    if (wish_.visited) wish_.visited(port.port, visitor);
  }

  // Connections that begin and do not complete: seen twice in a row, since every one is for a moment.
  asio::awaitable<void> watch_half_open() {
    constexpr std::chrono::seconds apart{1};
    std::map<std::uint16_t, int> before;
    for (;;) {
      co_await sleep_for(apart);
      std::map<std::uint16_t, int> open;
      const auto seen = observe_listeners(wish_.ports);
      for (const auto& listener : seen.listeners) open[listener.endpoint.port] += listener.syn_received;
      for (auto& port : report_.ports)
        port.half_open = std::max(port.half_open, std::min(before[port.port], open[port.port]));
      before = std::move(open);
    }
  }

  bool all_reached() const {
    return std::ranges::all_of(report_.ports,
                               [](const PortVisits& port) { return !port.problem.empty() || port.proven > 0; });
  }

  asio::awaitable<void> reached_all() {
    Error ignored;
    while (wish_.stay || !all_reached())
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::awaitable<void> signalled() {
    asio::signal_set signals(loop_, SIGINT, SIGTERM);
    co_await signals.async_wait(asio::use_awaitable);
  }

  asio::awaitable<void> until_done() {
    using namespace asio::experimental::awaitable_operators;
    constexpr std::array words{"all reached", "time", "signal"};
    const auto first = co_await (reached_all() || sleep_for(wish_.limit) || signalled());
    report_.ended_by = words.at(first.index());
  }

  const ListenWish& wish_;
  asio::io_context loop_{1};
  asio::steady_timer changed_;  // never expires: cancelled when somebody has proven
  std::vector<Open> acceptors_;
  ListenReport report_;
  std::list<tcp::socket*> heard_;  // whose proof is awaited, the oldest first
};

}  // namespace

ListenReport listen_for_peers(const ListenWish& wish) {
  Listener listener(wish);
  return listener.listen();
}

}  // namespace vnetprobe::inbound
