#include "agent/run/resolution.hpp"

#include "probes/concurrently.hpp"
#include "probes/dns.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

bool is_literal(const std::string& host) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  return !not_an_address;
}

asio::awaitable<void> ask_libc(std::string host, std::chrono::milliseconds limit, Observation& into) {
  auto seen = co_await observe_libc(std::move(host), limit);
  into.seen = std::move(seen);
}

asio::awaitable<void> ask_server(std::string host, DnsType type, Endpoint server, std::chrono::milliseconds limit,
                                 Observation& into) {
  auto seen = co_await observe_dns(std::move(host), type, std::move(server), DnsTransport::udp, limit);
  into.seen = std::move(seen);
}

// --connect-to moves a DNS server only where it names one: what holds for any host means the targets.
Endpoint where_to_ask(const Equipment& equipment, const Endpoint& resolver) {
  const bool is_named =
      std::ranges::any_of(equipment.connect_to, [&](const ConnectTo& entry) { return entry.host == resolver.address; });
  return is_named ? destination(equipment, resolver.address, resolver.address, resolver.port).endpoint : resolver;
}

}  // namespace

struct Names::Entry {
  explicit Entry(const asio::any_io_executor& executor) : done(executor, Clock::time_point::max()) {}
  Resolution resolution;
  bool resolved{};
  asio::steady_timer done;  // cancelled when `resolved` becomes true: wakes those who wait
};

Names::Names(const Equipment& equipment) : equipment_(equipment) {}

asio::awaitable<Resolution> Names::resolve(std::string host) {
  if (is_literal(host)) co_return Resolution{.observations = {}, .addresses = {host}};
  const auto entry = co_await resolved(host);
  const auto announced = announced_.find(host);
  if (announced == announced_.end() || --announced->second != 0) co_return entry->resolution;
  Resolution last{.observations = {}, .addresses = entry->resolution.addresses};
  std::swap(last.observations, entry->resolution.observations);
  co_return last;
}

asio::awaitable<std::vector<std::string>> Names::addresses(std::string host) {
  if (is_literal(host)) co_return std::vector{host};
  const auto entry = co_await resolved(host);
  co_return entry->resolution.addresses;
}

asio::awaitable<std::shared_ptr<Names::Entry>> Names::resolved(std::string host) {
  const auto executor = co_await asio::this_coro::executor;
  auto& slot = entries_[host];
  if (slot) {
    const auto entry = slot;
    if (!entry->resolved) {
      boost::system::error_code woken;
      co_await entry->done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return entry;
  }
  slot = std::make_shared<Entry>(executor);
  const auto entry = slot;
  co_await ask(host, entry->resolution);
  entry->resolved = true;
  entry->done.cancel();
  co_return entry;
}

asio::awaitable<void> Names::ask(std::string host, Resolution& into) {
  const auto questions = (equipment_.ask_libc ? 1 : 0) + 2 * equipment_.resolvers.size();
  std::vector<Observation> observations(questions);
  std::vector<asio::awaitable<void>> work;
  std::size_t next = 0;
  if (equipment_.ask_libc) work.push_back(ask_libc(host, equipment_.limits.libc, observations[next++]));
  for (const Endpoint& resolver : equipment_.resolvers) {
    const auto server = where_to_ask(equipment_, resolver);
    for (const auto type : {DnsType::a, DnsType::aaaa})
      work.push_back(ask_server(host, type, server, equipment_.limits.dns, observations[next++]));
  }
  if (work.empty()) {
    DnsObservation nobody{.name = host};
    nobody.error = DnsFailure::no_resolver;
    observations.push_back({.seen = std::move(nobody), .follow_up = {}});
  }
  co_await concurrently(std::move(work));
  into.addresses = addresses_to_use(observations);
  into.observations = std::move(observations);
}

std::vector<std::string> addresses_to_use(const std::vector<Observation>& observations) {
  std::vector<std::string> from_server;
  std::optional<Endpoint> first_server;
  for (const auto& observation : observations) {
    const auto* dns = std::get_if<DnsObservation>(&observation.seen);
    if (!dns) continue;
    // "No such name" from the library is what every program gets, whatever a server says when asked by itself.
    if (dns->via == DnsVia::libc && (!dns->addresses.empty() || dns->error == DnsFailure::nxdomain))
      return dns->addresses;
    if (dns->addresses.empty()) continue;
    if (!first_server) first_server = dns->server;
    if (dns->server == first_server)
      from_server.insert(from_server.end(), dns->addresses.begin(), dns->addresses.end());
  }
  return from_server;
}

}  // namespace vnetprobe
