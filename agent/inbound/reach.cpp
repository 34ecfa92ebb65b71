#include "agent/inbound/reach.hpp"

#include "agent/inbound/lines.hpp"
#include "agent/inbound/proof.hpp"
#include "agent/inbound/verdict.hpp"
#include "probes/concurrently.hpp"
#include "probes/dns.hpp"
#include "probes/tcp.hpp"
#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>

namespace vnetprobe::inbound {
namespace {

using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::size_t addresses_at_most = 8;
constexpr std::size_t excerpt = 80;

// The end of what somebody else has to say.
void note_another(const LineRead& read, Dialogue& dialogue) {
  dialogue.first_bytes = printable(read.bytes, excerpt);
  if (read.error) dialogue.ended = read.error == asio::error::connection_reset ? "reset" : "closed";
}

// This end's lines of the protocol.
asio::awaitable<bool> talk(tcp::socket& socket, std::string token, std::uint16_t port, Dialogue& dialogue) {
  Exchange exchange{.reach_nonce = make_nonce(), .listen_nonce = "", .port = port};
  const auto unsent = co_await write_line(socket, hello_line(exchange.reach_nonce));
  LineRead challenge, seen;
  if (!unsent) co_await read_line(socket, challenge);
  const auto nonce = nonce_of_challenge(challenge.bytes);
  if (!nonce) {
    if (unsent) challenge.error = unsent;
    note_another(challenge, dialogue);
    co_return true;
  }
  dialogue.listener = true;
  exchange.listen_nonce = *nonce;
  if (token.empty()) co_return true;
  const auto lost = co_await write_line(socket, proof_line(token, exchange));
  if (lost) co_return true;
  co_await read_line(socket, seen);
  if (seen.whole) dialogue.seen_as = address_seen(seen.bytes, token, exchange);
  co_return true;
}

asio::awaitable<void> reach_one(const ReachWish& wish, PortReach& into) {
  Endpoint remote{.address = into.address, .port = into.port};
  auto opened = co_await open_tcp(std::move(remote), wish.limit);
  into.tcp = std::move(opened.seen);
  if (opened.socket) {
    into.dialogue = Dialogue{};
    const auto talked = co_await within(wish.limit, talk(*opened.socket, wish.token, into.port, *into.dialogue));
    if (!talked && !into.dialogue->listener) into.dialogue->ended = "silent";
  }
  judge(into, !wish.token.empty());
}

asio::awaitable<std::vector<std::string>> addresses_of(std::string host, std::string& problem) {
  std::vector<std::string> addresses{host};
  if (is_address(host)) co_return addresses;
  constexpr std::chrono::seconds limit{10};
  const auto seen = co_await observe_libc(host, limit);
  addresses = seen.addresses;
  if (addresses.empty())
    problem = fmt::format("{} has no address here: {}; `vnetprobe run --target {}:443` finds out why", host,
                          seen.detail.value_or("the name does not exist"), host);
  if (addresses.size() > addresses_at_most) addresses.resize(addresses_at_most);
  co_return addresses;
}

asio::awaitable<void> reach_all(const ReachWish& wish, ReachReport& report, std::string& problem) {
  const auto addresses = co_await addresses_of(wish.host, problem);
  for (const auto port : wish.ports)
    for (const auto& address : addresses) report.ports.push_back({.port = port, .address = address});
  std::vector<asio::awaitable<void>> work;
  for (auto& one : report.ports) work.push_back(reach_one(wish, one));
  co_await concurrently(std::move(work));
}

asio::awaitable<void> until_signalled() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
}

asio::awaitable<void> until_first(const ReachWish& wish, ReachReport& report, std::string& problem) {
  using namespace asio::experimental::awaitable_operators;
  co_await (reach_all(wish, report, problem) || until_signalled());
}

}  // namespace

std::variant<ReachReport, std::string> reach_ports(const ReachWish& wish) {
  ReachReport report{.host = wish.host, .with_token = !wish.token.empty()};
  report.started_at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  asio::io_context loop(1);
  std::string problem;
  std::exception_ptr thrown;
  asio::co_spawn(loop, until_first(wish, report, problem), [&](std::exception_ptr error) { thrown = error; });
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
  if (!problem.empty()) return problem;
  // Cut off by a signal before anything was seen of it.
  std::erase_if(report.ports, [](const PortReach& one) { return one.says.empty(); });
  return report;
}

}  // namespace vnetprobe::inbound
