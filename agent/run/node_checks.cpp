#include "agent/run/node_checks.hpp"

#include "agent/run/concurrently.hpp"
#include "probes/dns.hpp"
#include "probes/imds.hpp"
#include "probes/wireserver.hpp"

#include <array>

namespace vnetprobe {
namespace {

struct ReadAlready {
  std::string_view id;
  HostObservation HostFacts::*facts;
};
constexpr std::array read_already{
    ReadAlready{"node.os", &HostFacts::os},
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

asio::awaitable<void> ask_resolver(const Equipment& equipment, const std::string& control_name, Check& check) {
  const Endpoint server{.address = check.target.host,
                        .port = check.target.port ? check.target.port : std::uint16_t{53}};
  const auto to = destination(equipment, server.address, server.address, server.port).endpoint;
  auto seen = co_await observe_dns(control_name, DnsType::a, to, DnsTransport::udp, equipment.limits.dns);
  check.observations.push_back({.seen = std::move(seen), .follow_up = {}});
}

}  // namespace

asio::awaitable<void> observe_node(const PlannedCheck& planned, const Equipment& equipment,
                                   const std::string& control_name, Check& check) {
  const std::string& id = planned.check.id;
  const Discovery& discovery = equipment.discovery;
  for (const auto& row : read_already)
    if (row.id == id) check.observations.push_back({.seen = discovery.host.*row.facts, .follow_up = {}});
  if (id.starts_with("node.resolver/")) {
    co_await ask_resolver(equipment, control_name, check);
  } else if (id == "node.imds") {
    if (discovery.imds) {
      check.observations.push_back({.seen = *discovery.imds, .follow_up = {}});
      co_return;
    }
    const auto& endpoint = discovery.settings.imds_endpoint;
    std::string service = endpoint ? endpoint->value : imds_default_endpoint;
    auto seen = co_await observe_imds(std::move(service), equipment.limits.imds);
    check.observations.push_back({.seen = std::move(seen), .follow_up = {}});
  } else if (id == "node.wireserver") {
    co_await ask_both_doors(equipment, check);
  }
}

}  // namespace vnetprobe
