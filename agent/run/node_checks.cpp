#include "agent/run/node_checks.hpp"

#include "probes/concurrently.hpp"
#include "probes/dns.hpp"
#include "probes/host/packet_filter.hpp"
#include "probes/imds.hpp"
#include "probes/tcp.hpp"
#include "probes/wireserver.hpp"

#include <array>

namespace vnetprobe {
namespace {

// Long enough for one SYN more.
constexpr std::chrono::milliseconds control_limit{2000};

constexpr std::uint16_t https_port = 443;

struct ReadAlready {
  std::string_view id;
  HostObservation HostFacts::*facts;
};
constexpr std::array read_already{
    ReadAlready{"node.os", &HostFacts::os},
    ReadAlready{"node.os", &HostFacts::kernel},
    ReadAlready{"node.os", &HostFacts::agents},
    ReadAlready{"node.clock", &HostFacts::clock},
    ReadAlready{"node.ca-store", &HostFacts::ca_store},
    ReadAlready{"node.disk", &HostFacts::disks},
    ReadAlready{"node.docker-bridge", &HostFacts::interfaces},
    ReadAlready{"node.route", &HostFacts::routes},
    ReadAlready{"node.route", &HostFacts::interfaces},
    ReadAlready{"node.proxy", &HostFacts::proxies},
};

asio::awaitable<void> ask_wireserver(std::string url, std::uint16_t port, const Equipment& equipment,
                                     Observation& into) {
  const std::string host = "168.63.129.16";
  const auto to = destination(equipment, host, host, port);
  auto seen = co_await observe_wireserver(std::move(url), to.endpoint, equipment.limits.tcp);
  seen.tcp.instead_of = to.instead_of;
  into.seen = std::move(seen);
}

asio::awaitable<void> ask_both_doors(const Equipment& equipment, Check& check) {
  Observation goal_state, plugin;
  std::vector<asio::awaitable<void>> work;
  work.push_back(ask_wireserver("http://168.63.129.16/?comp=versions", 80, equipment, goal_state));
  work.push_back(ask_wireserver("http://168.63.129.16:32526/versions", 32526, equipment, plugin));
  co_await concurrently(std::move(work));
  check.observations.push_back(std::move(goal_state));
  check.observations.push_back(std::move(plugin));
}

// Nothing lives in 192.0.2.0/24 (RFC 5737): who answers there answers for others.
asio::awaitable<void> connect_to_nowhere(const Equipment& equipment, Check& check) {
  const std::string host = "192.0.2.1";
  const auto to = destination(equipment, host, host, 443);
  auto result = co_await open_tcp(to.endpoint, std::min(equipment.limits.tcp, control_limit));
  result.seen.instead_of = to.instead_of;
  check.observations.push_back(
      {.seen = std::move(result.seen), .follow_up = "nothing can be at 192.0.2.1; does a connection to it succeed?"});
}

// One silence may be one packet that got lost after another: where the service is owed, it is asked a second time.
asio::awaitable<void> ask_imds(const Equipment& equipment, Check& check) {
  const Discovery& discovery = equipment.discovery;
  const auto& endpoint = discovery.settings.imds_endpoint;
  const std::string service = endpoint ? endpoint->value : imds_default_endpoint;
  const auto is_worth_asking_again = [&](const ImdsObservation& seen) {
    return check.required && seen.error == ImdsFailure::timed_out;
  };
  std::optional<ImdsObservation> seen = discovery.imds;
  for (int asked = seen ? 1 : 0; asked < 2; ++asked) {
    if (seen && !is_worth_asking_again(*seen)) break;
    auto answer = co_await observe_imds(service, equipment.limits.imds);
    seen = std::move(answer);
  }
  check.observations.push_back({.seen = std::move(*seen), .follow_up = {}});
}

asio::awaitable<void> ask_nowhere(const Equipment& equipment, std::string control_name, Check& check) {
  const std::string host = "192.0.2.53";
  auto to = destination(equipment, host, host, 53).endpoint;
  auto seen = co_await observe_dns(std::move(control_name), DnsType::a, to, DnsTransport::udp,
                                   std::min(equipment.limits.dns, control_limit));
  // What was meant, wherever --connect-to led it.
  seen.server = Endpoint{host, 53};
  check.observations.push_back(
      {.seen = std::move(seen), .follow_up = "no DNS server can be at 192.0.2.53; does one answer?"});
}

asio::awaitable<void> ask_resolver(const Equipment& equipment, const std::string& control_name, Check& check) {
  const Endpoint server{.address = check.target.host,
                        .port = check.target.port ? check.target.port : std::uint16_t{53}};
  const auto to = destination(equipment, server.address, server.address, server.port).endpoint;
  auto seen = co_await observe_dns(control_name, DnsType::a, to, DnsTransport::udp, equipment.limits.dns);
  check.observations.push_back({.seen = std::move(seen), .follow_up = {}});
}

}  // namespace

bool observe_what_is_read(const Discovery& discovery, Check& check) {
  bool any = false;
  for (const auto& row : read_already) {
    if (row.id != check.id) continue;
    check.observations.push_back({.seen = discovery.host.*row.facts, .follow_up = {}});
    any = true;
  }
  return any;
}

asio::awaitable<void> observe_node(const PlannedCheck& planned, const Equipment& equipment,
                                   const std::string& control_name, Check& check) {
  const std::string& id = planned.check.id;
  const Discovery& discovery = equipment.discovery;
  observe_what_is_read(discovery, check);
  if (id.starts_with("node.resolver/")) {
    if (discovery.host.resolvers.resolvers)
      check.observations.push_back({.seen = discovery.host.resolvers, .follow_up = {}});
    co_await ask_resolver(equipment, control_name, check);
  } else if (id == "node.imds") {
    co_await ask_imds(equipment, check);
  } else if (id == "egress.path") {
    std::vector<asio::awaitable<void>> work;
    work.push_back(connect_to_nowhere(equipment, check));
    work.push_back(ask_nowhere(equipment, control_name, check));
    co_await concurrently(std::move(work));
  } else if (id == "node.wireserver") {
    co_await ask_both_doors(equipment, check);
  } else if (id == "node.firewall" && equipment.surroundings.root == "/") {
    // As root alone; what is refused to anybody shows in the other checks.
    if (auto seen = observe_packet_filter({.way = FirstPacket::Way::out, .port = https_port}))
      check.observations.push_back({.seen = std::move(*seen), .follow_up = {}});
  }
}

}  // namespace vnetprobe
