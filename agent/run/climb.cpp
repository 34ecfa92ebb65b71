#include "agent/run/climb.hpp"

#include "probes/concurrently.hpp"
#include "probes/host/packet_filter.hpp"
#include "probes/http.hpp"
#include "probes/inbound.hpp"
#include "probes/proxy.hpp"
#include "probes/tcp.hpp"
#include "probes/udp.hpp"
#include "probes/websocket.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

// A name with dozens of addresses is a load balancer's whole pool: a few of them tell enough and spare SNAT ports.
constexpr std::size_t addresses_at_most = 8;
constexpr std::chrono::seconds between_looks{2};

asio::awaitable<void> open_one(Destination to, std::chrono::milliseconds limit, TcpOptions options, TcpResult& into) {
  into = co_await open_tcp(to.endpoint, limit, options);
  into.seen.instead_of = std::move(to.instead_of);
}

// One climb: the state that its layers hand on.
class Climb {
 public:
  Climb(const PlannedCheck& planned, const Equipment& equipment, Names& names, Way way, Check& check)
      : planned_(planned),
        equipment_(equipment),
        names_(names),
        way_(std::move(way)),
        limits_(way_.limits.value_or(equipment.limits)),
        check_(check) {}

  asio::awaitable<void> run() {
    const Target& target = check_.target;
    if (planned_.stack == Stack::inbound) {
      co_await look_at_listeners();
      if (equipment_.surroundings.root == "/")
        if (auto filter = observe_packet_filter({.way = FirstPacket::Way::in, .port = target.port}))
          note(std::move(*filter));
      co_return;
    }
    choose_way();
    const std::string name = proxy_ ? proxy_->address.host : target.host;
    std::vector<std::string> addresses{name};
    if (!is_pinned(name, proxy_ ? proxy_->address.port : target.port)) addresses = co_await resolve(name);
    if (planned_.stack == Stack::dns || addresses.empty()) co_return;
    if (planned_.stack == Stack::udp) {
      co_await send_datagram(std::move(addresses.front()));
      co_return;
    }
    co_await connect(std::move(addresses));
    if (!socket_ || (planned_.stack == Stack::tcp && !proxy_)) co_return;
    const auto place = co_await equipment_.upper_layers->enter();
    if (proxy_ && !absolute_form()) co_await tunnel();
    if (!socket_ || planned_.stack == Stack::tcp) co_return;
    if (planned_.stack == Stack::http || check_.target.protocol == "ws") {
      connection_ = std::move(*socket_);
    } else {
      co_await handshake();
      if (std::holds_alternative<std::monostate>(connection_) || planned_.stack == Stack::tls) co_return;
    }
    if (planned_.stack == Stack::websocket)
      co_await upgrade();
    else
      co_await request();
  }

 private:
  void note(Seen seen) { check_.observations.push_back({.seen = std::move(seen), .follow_up = way_.because}); }

  // A connection that is half open now may be complete in a moment; one that stays so never will be.
  asio::awaitable<void> look_at_listeners() {
    const auto look = [&] { return observe_listeners({check_.target.port}, equipment_.surroundings.root); };
    auto first = look();
    const bool half_open = std::ranges::any_of(first.listeners, [](const auto& one) { return one.syn_received > 0; });
    note(std::move(first));
    if (!half_open) co_return;
    co_await sleep_for(between_looks);
    check_.observations.push_back(
        {.seen = look(), .follow_up = "connections are half open; are they still, seconds later?"});
  }

  // A program on this node goes through the proxy for what its environment says, and so does the climb.
  void choose_way() {
    const bool proxied_stack = planned_.stack == Stack::https || planned_.stack == Stack::http ||
                               planned_.stack == Stack::websocket || planned_.stack == Stack::tls;
    if (!proxied_stack || way_.direct) return;
    proxy_ = choose_proxy(equipment_.discovery.settings.proxy, equipment_.surroundings.environment,
                          planned_.stack == Stack::http ? "http" : "https", check_.target.host, check_.target.port);
    if (proxy_) check_.proxy = "http://" + to_string({.address = proxy_->address.host, .port = proxy_->address.port});
  }

  // As curl has it, a name in place of which --connect-to puts an address is not looked up. With --resolver its answers
  // are wanted all the same: they are evidence about that server.
  bool is_pinned(const std::string& name, std::uint16_t port) const {
    if (planned_.stack == Stack::dns || !equipment_.ask_libc) return false;
    const auto replacement = replacement_for(equipment_.connect_to, name, port);
    return replacement && !replacement->address.empty();
  }

  // The evidence of an experiment on another way is that way's, not the resolution's again.
  asio::awaitable<std::vector<std::string>> resolve(std::string name) {
    if (way_.because && !way_.direct) {
      auto addresses = co_await names_.addresses(std::move(name));
      co_return addresses;
    }
    auto resolved = co_await names_.resolve(std::move(name));
    for (auto& observation : resolved.observations) note(std::move(observation.seen));
    co_return std::move(resolved.addresses);
  }

  bool absolute_form() const { return proxy_ && planned_.stack == Stack::http; }

  asio::awaitable<void> send_datagram(std::string address) {
    const auto to = destination(equipment_, check_.target.host, address, check_.target.port);
    auto seen = co_await observe_udp(to.endpoint, limits_.tcp);
    seen.instead_of = to.instead_of;
    note(std::move(seen));
  }

  // Every address at once; the first in the resolver's order that connected carries the upper layers.
  void allow_for(const TcpObservation& connection) {
    for (auto* limit : {&limits_.tls, &limits_.http, &limits_.websocket}) *limit = long_enough(*limit, connection);
  }

  asio::awaitable<void> connect(std::vector<std::string> addresses) {
    if (addresses.size() > addresses_at_most) addresses.resize(addresses_at_most);
    const std::string& host = proxy_ ? proxy_->address.host : check_.target.host;
    const std::uint16_t port = proxy_ ? proxy_->address.port : check_.target.port;
    std::vector<Destination> destinations;
    for (const auto& address : addresses) {
      auto to = destination(equipment_, host, address, port);
      const bool already =
          std::ranges::any_of(destinations, [&](const Destination& other) { return other.endpoint == to.endpoint; });
      if (!already) destinations.push_back(std::move(to));
    }
    std::vector<TcpResult> results(destinations.size());
    std::vector<asio::awaitable<void>> work;
    for (std::size_t i = 0; i < destinations.size(); ++i)
      work.push_back(open_one(destinations[i], limits_.tcp, {.mss_limit = way_.mss_limit}, results[i]));
    co_await concurrently(std::move(work));
    for (auto& result : results) {
      if (result.socket && !socket_) {
        socket_ = std::move(result.socket);
        carrier_ = check_.observations.size();
        allow_for(result.seen);
      }
      note(std::move(result.seen));
    }
  }

  asio::awaitable<void> tunnel() {
    ProxyAddress through = proxy_->address;
    through.user_agent = way_.user_agent;
    auto result = co_await open_tunnel(std::move(*socket_), std::move(through), check_.target.host, check_.target.port,
                                       limits_.http);
    note(std::move(result.seen));
    socket_ = std::move(result.socket);
  }

  asio::awaitable<void> handshake() {
    TlsRequest wanted{.server_name = check_.target.host};
    auto result = co_await open_tls(std::move(*socket_), equipment_.tls, std::move(wanted), limits_.tls);
    note(std::move(result.seen));
    if (result.stream) connection_ = std::move(result.stream);
  }

  asio::awaitable<void> request() {
    HttpRequest wanted{.url = check_.target.url, .headers = planned_.headers, .user_agent = way_.user_agent};
    if (way_.body_bytes) {
      wanted.method = "POST";
      wanted.body.assign(static_cast<std::size_t>(*way_.body_bytes), 'x');
    }
    if (absolute_form()) {
      wanted.absolute_form = true;
      wanted.proxy_credentials = proxy_->address.credentials;
    }
    auto seen = co_await observe_http(connection_, std::move(wanted), proxy_.has_value(), limits_.http);
    // A peer that was gone before the request could be sent.
    if (seen.remote.address.empty()) seen.remote = std::get<TcpObservation>(check_.observations[carrier_].seen).remote;
    note(std::move(seen));
    // What the exchange has made of the segments' size (diagnosis-codes 1.4, mtu.reduced).
    note_size_of_segments(lowest_layer(connection_), std::get<TcpObservation>(check_.observations[carrier_].seen));
  }

  asio::awaitable<void> upgrade() {
    WebsocketRequest wanted{.url = check_.target.url, .headers = planned_.headers};
    // An experiment compares with a fresh connection.
    if (!way_.because) wanted.idle = limits_.websocket_idle;
    wanted.connection_header = way_.connection_header;
    auto seen = co_await observe_websocket(connection_, std::move(wanted), proxy_.has_value(), limits_.websocket);
    note(std::move(seen));
  }

  const PlannedCheck& planned_;
  const Equipment& equipment_;
  Names& names_;
  Way way_;
  Limits limits_;
  Check& check_;
  std::optional<ChosenProxy> proxy_;
  std::optional<asio::ip::tcp::socket> socket_;
  Connection connection_;
  std::size_t carrier_{};  // the place of the connection that carries the upper layers
};

}  // namespace

std::chrono::milliseconds long_enough(std::chrono::milliseconds limit, const TcpObservation& connection) {
  constexpr int round_trips = 4;  // a handshake is two or three, and one packet of them may get lost
  const auto trip = std::chrono::duration_cast<std::chrono::milliseconds>(connection.rtt.value_or(connection.duration));
  return std::max(limit, round_trips * trip);
}

asio::awaitable<void> climb(const PlannedCheck& planned, const Equipment& equipment, Names& names, Way way,
                            Check& check) {
  Climb one(planned, equipment, names, std::move(way), check);
  co_await one.run();
}

}  // namespace vnetprobe
