#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;

// Every connection attempt of a check, also those inside IMDS and WireServer observations: they use the same routes.
std::vector<Tcp> all_attempts(const Check& check, const Report& report) {
  auto found = attempts(check, report);
  for (const auto& imds : cited<ImdsObservation>(check))
    if (imds->tcp) found.push_back({&check, imds.index, &*imds->tcp});
  for (const auto& wireserver : cited<WireserverObservation>(check))
    found.push_back({&check, wireserver.index, &wireserver->tcp});
  return found;
}

bool no_one_connected(const Check& check, const Report& report) {
  const auto tried = all_attempts(check, report);
  return !tried.empty() &&
         std::all_of(tried.begin(), tried.end(), [](const Tcp& tcp) { return tcp->error.has_value(); });
}

std::optional<Cited<HostObservation>> table_without_default(const Report& report) {
  const auto host = host_fact(report, HostTopic::routes);
  if (!host) return {};
  const bool has_default = std::any_of((*host)->routes.begin(), (*host)->routes.end(),
                                       [](const RouteFacts& route) { return route.destination == "0.0.0.0/0"; });
  return has_default ? std::nullopt : host;
}

// ENETUNREACH at once, and the table says why. A table without a default route alone is no fault: everything that is
// needed may be on link, or behind a proxy that is.
std::vector<Finding> no_default_route(const Evidenced& evidence) {
  const auto table = table_without_default(evidence.report);
  const RouteTable routes(evidence.report);
  Finding finding{.code = "route.no_default", .subject = "IPv4", .confidence = Confidence::proven};
  for (const auto* check : evidence.open) {
    const auto tried = all_attempts(*check, evidence.report);
    const auto lost = std::find_if(tried.begin(), tried.end(), [&](const Tcp& tcp) {
      const bool no_route = tcp->route ? tcp->route->type == "none" : table.has_value();
      return tcp->error == TcpFailure::network_unreachable && !tcp->icmp && no_route && !is_v6(tcp->remote.address);
    });
    if (lost != tried.end() && no_one_connected(*check, evidence.report)) {
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(lost->says((*lost)->remote.address + ": network is unreachable, no route for it"));
    }
    if (!table || !(ends_at_dns(*check) || check->id.starts_with("node.resolver/"))) continue;
    for (const auto& dns : cited<DnsObservation>(*check)) {
      if (dns->error != DnsFailure::unreachable || !dns->server || routes.route_for(dns->server->address)) continue;
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(dns.says("no route to the DNS server " + dns->server->address));
      break;
    }
  }
  if (finding.dependants.empty()) return {};
  for (const auto* check : evidence.open)
    if (ends_at_dns(*check)) finding.dependants.push_back(check->id);
  if (table) {
    finding.evidence.insert(finding.evidence.begin(), table->says("the routing table has no default route"));
    finding.checks.push_back(table->check->id);
  }
  return {finding};
}

bool discards(const std::string& type) { return type == "blackhole" || type == "unreachable" || type == "prohibit"; }

// EINVAL, EACCES and an immediate EHOSTUNREACH are made by the node's own table (diagnosis-codes 3).
bool discarded_locally(const TcpObservation& tcp) {
  if (!tcp.error || tcp.icmp) return false;
  if (tcp.route && discards(tcp.route->type)) return true;
  return tcp.error == TcpFailure::invalid_route || tcp.errno_name == "EACCES";
}

std::vector<Finding> route_discards_traffic(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const RouteTable routes(evidence.report);
  const auto subject_of = [&](const std::string& address) {
    const auto* route = routes.route_for(address);
    return route && discards(route->type) ? route->destination : address;
  };
  for (const auto* check : evidence.open) {
    const auto tried = all_attempts(*check, evidence.report);
    if (no_one_connected(*check, evidence.report)) {
      for (const auto& tcp : tried) {
        if (!discarded_locally(*tcp)) continue;
        const auto type = tcp->route && discards(tcp->route->type) ? tcp->route->type : std::string{};
        findings.push_back({.code = "route.blackholed_locally",
                            .subject = subject_of(tcp->remote.address),
                            .confidence = Confidence::proven,
                            .checks = {check->id},
                            .evidence = {tcp.says(fmt::format(
                                "{} fails at once with {}; the kernel's route is of type {}", tcp->remote.address,
                                tcp->errno_name.value_or("an error"), type.empty() ? "unknown" : type))},
                            .values = {{"route_type", type}, {"address", tcp->remote.address}}});
        break;
      }
    }
    if (!ends_at_dns(*check) && !check->id.starts_with("node.resolver/")) continue;
    for (const auto& dns : cited<DnsObservation>(*check)) {
      const auto* route = dns->server ? routes.route_for(dns->server->address) : nullptr;
      if (!route || !discards(route->type) || !dns->error) continue;
      findings.push_back({.code = "route.blackholed_locally",
                          .subject = route->destination,
                          .confidence = Confidence::proven,
                          .checks = {check->id},
                          .evidence = {dns.says("the DNS server " + dns->server->address + " lies behind it"),
                                       routes.from()->says("route " + route->type + " " + route->destination)},
                          .values = {{"route_type", route->type}, {"address", dns->server->address}}});
      break;
    }
  }
  return findings;
}

// What a check that only asks for names sees of a dead way: silence, and no word that decides anything.
bool names_get_no_answer(const Check& check) {
  if (!ends_at_dns(check) && !check.id.starts_with("node.resolver/")) return false;
  const auto asked = cited<DnsObservation>(check);
  return !asked.empty() &&
         std::all_of(asked.begin(), asked.end(), [](const auto& dns) { return dns->error && !dns->rcode; });
}

// The gateway, and not the target itself on the same link: in Azure a missing neighbour on link is a missing host.
std::optional<std::string> silent_gateway(const TcpObservation& tcp) {
  if (!tcp.error || !tcp.neighbour || (tcp.neighbour->state != "FAILED" && tcp.neighbour->state != "INCOMPLETE"))
    return {};
  if (tcp.neighbour->gateway == tcp.remote.address || tcp.neighbour->gateway.empty()) return {};
  const bool by_itself = tcp.error == TcpFailure::host_unreachable && (!tcp.icmp || tcp.icmp->offender_is_self);
  if (!by_itself && tcp.error != TcpFailure::timed_out) return {};
  return tcp.neighbour->gateway;
}

// Another table than main (and default): a rule of the node's routing policy sent it there.
bool by_policy(const TcpObservation& tcp) {
  constexpr unsigned default_table = 253, main_table = 254;
  if (!tcp.route || !tcp.route->table || tcp.route->type != "unicast") return false;
  return *tcp.route->table != default_table && *tcp.route->table != main_table;
}

// A policy rule that leads to a gateway which does not answer: the rule is what is wrong, the gateway may never have
// been.
std::vector<Finding> policy_leads_nowhere(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!no_one_connected(*check, evidence.report)) continue;
    for (const auto& tcp : all_attempts(*check, evidence.report)) {
      const auto gateway = silent_gateway(*tcp);
      if (!gateway || !by_policy(*tcp)) continue;
      const auto table = std::to_string(*tcp->route->table);
      findings.push_back(
          {.code = "route.policy_rule",
           .subject = "table " + table,
           .confidence = Confidence::proven,
           .checks = {check->id},
           .evidence = {tcp.says(fmt::format("{} goes by table {} to {}, whose neighbour entry is {}",
                                             tcp->remote.address, table, *gateway, tcp->neighbour->state))},
           .values = {{"table", table}, {"address", tcp->remote.address}, {"gateway", *gateway}}});
      break;
    }
  }
  return findings;
}

std::vector<Finding> gateway_does_not_answer(const Evidenced& evidence) {
  Finding finding{.code = "route.gateway_unresolved", .confidence = Confidence::proven};
  for (const auto* check : evidence.open) {
    if (!no_one_connected(*check, evidence.report)) continue;
    for (const auto& tcp : all_attempts(*check, evidence.report)) {
      const auto gateway = silent_gateway(*tcp);
      if (!gateway || (!finding.subject.empty() && finding.subject != *gateway)) continue;
      finding.subject = *gateway;
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(
          tcp.says(fmt::format("no answer for {} in {}; neighbour entry of {}: {}", tcp->remote.address,
                               words(tcp->duration), *gateway, tcp->neighbour->state)));
      break;
    }
  }
  if (finding.dependants.empty()) return {};
  for (const auto* check : evidence.open)
    if (names_get_no_answer(*check)) finding.dependants.push_back(check->id);
  if (const auto table = host_fact(evidence.report, HostTopic::routes)) finding.checks.push_back(table->check->id);
  return {finding};
}

bool says_no_route(const IcmpError& icmp, bool v6) {
  if (v6) return icmp.type == 1 && (icmp.code == 0 || icmp.code == 3);
  return icmp.type == 3 && (icmp.code == 0 || icmp.code == 1 || icmp.code == 5 || icmp.code == 6 || icmp.code == 7 ||
                            icmp.code == 11 || icmp.code == 12);
}

// Where an address lies for a router that has lost a route: the internet, or one subnet of the network.
std::string side_of(const std::string& address) {
  if (is_public(address)) return "the internet";
  return address.substr(0, address.rfind('.')) + ".0/24";
}

// Routers tell no more than a few refusals a second (RFC 1812, 4.3.2.8), so what stays silent beside a reported address
// shares its cause, as long as nothing on that side answers.
void add_silent_neighbours(const Evidenced& evidence, std::vector<Finding>& findings) {
  std::map<std::string, std::size_t> reported;  // side -> the finding about it
  for (std::size_t i = 0; i < findings.size(); ++i) reported.emplace(side_of(findings[i].values.front().second), i);
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report), Part::everything))
    if (!tcp->error || tcp->error == TcpFailure::refused) reported.erase(side_of(meant_address(tcp)));
  for (const auto* check : evidence.open) {
    const auto tried = all_attempts(*check, evidence.report);
    const bool silent =
        check->finished && !tried.empty() &&
        std::all_of(tried.begin(), tried.end(), [](const Tcp& tcp) { return tcp->error == TcpFailure::timed_out; });
    const auto found = silent ? reported.find(side_of(meant_address(tried.front()))) : reported.end();
    if (found == reported.end()) continue;
    auto& finding = findings[found->second];
    finding.dependants.push_back(check->id);
    finding.evidence.push_back(tried.front().says("no answer from " + to_string(tried.front()->remote) + " either"));
  }
}

std::vector<Finding> router_reports_unreachable(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const auto add = [&](const Check& check, const IcmpError& icmp, const std::string& address, Evidence proof) {
    findings.push_back({.code = "route.unreachable_reported",
                        .subject = icmp.offender,
                        .confidence = Confidence::proven,
                        .checks = {check.id},
                        .evidence = {std::move(proof)},
                        .values = {{"address", address}}});
  };
  const auto text = [](const IcmpError& icmp, const std::string& address) {
    return fmt::format("ICMP type {} code {} from {} for {}", icmp.type, icmp.code, icmp.offender, address);
  };
  for (const auto* check : evidence.open) {
    if (no_one_connected(*check, evidence.report)) {
      for (const auto& tcp : all_attempts(*check, evidence.report)) {
        const auto& address = tcp->remote.address;
        if (!tcp->icmp || tcp->icmp->offender_is_self || !says_no_route(*tcp->icmp, is_v6(address))) continue;
        add(*check, *tcp->icmp, address, tcp.says(text(*tcp->icmp, address)));
        break;
      }
    }
    for (const auto& udp : cited<UdpObservation>(*check)) {
      const auto& address = udp->remote.address;
      if (!udp->icmp || udp->icmp->offender_is_self || !says_no_route(*udp->icmp, is_v6(address))) continue;
      add(*check, *udp->icmp, address, udp.says(text(*udp->icmp, address)));
      break;
    }
  }
  add_silent_neighbours(evidence, findings);
  return findings;
}

// A virtual network without IPv6 is normal. Only a target that has nothing but IPv6 addresses fails for it.
std::vector<Finding> ipv6_is_not_configured(const Evidenced& evidence) {
  if (has_global_v6(evidence.report)) return {};
  Finding note{.code = "ipv6.unconfigured", .subject = "IPv6", .confidence = Confidence::proven, .only_informs = true};
  Finding fault = note;
  fault.only_informs = false;
  for (const auto* check : evidence.open) {
    const auto tried = cited<TcpObservation>(*check);
    const auto v6 = std::find_if(tried.begin(), tried.end(), [](const Tcp& tcp) {
      return is_v6(tcp->remote.address) && !is_loopback(tcp->remote.address) && !tcp->icmp &&
             (tcp->error == TcpFailure::network_unreachable || tcp->error == TcpFailure::no_local_address);
    });
    if (v6 == tried.end()) continue;
    const bool only_v6 = std::all_of(tried.begin(), tried.end(),
                                     [](const Tcp& tcp) { return is_v6(tcp->remote.address) && tcp->error; });
    auto& finding = only_v6 ? fault : note;
    finding.checks.push_back(check->id);
    if (finding.evidence.size() < 3)
      finding.evidence.push_back(
          v6->says((*v6)->remote.address + " has no route, and the node has no global IPv6 address"));
  }
  if (!fault.checks.empty()) return {fault};
  return note.checks.empty() ? std::vector<Finding>{} : std::vector{note};
}

std::vector<Finding> ipv6_is_broken(const Evidenced& evidence) {
  if (!has_global_v6(evidence.report)) return {};
  Finding note{.code = "ipv6.broken", .subject = "IPv6", .confidence = Confidence::proven, .only_informs = true};
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report)))
    if (is_v6(tcp->remote.address) && !is_loopback(tcp->remote.address) && !tcp->error) return {};
  for (const auto* check : evidence.open) {
    const auto tried = cited<TcpObservation>(*check);
    const bool v4_works = std::any_of(tried.begin(), tried.end(),
                                      [](const Tcp& tcp) { return !tcp->error && !is_v6(tcp->remote.address); });
    for (const auto& tcp : tried) {
      if (!v4_works || !is_v6(tcp->remote.address) || !tcp->error) continue;
      note.checks.push_back(check->id);
      if (note.evidence.size() < 3) note.evidence.push_back(tcp.says(tcp->remote.address + " fails while IPv4 works"));
      break;
    }
  }
  return note.checks.empty() ? std::vector<Finding>{} : std::vector{note};
}

}  // namespace

std::span<const NamedRule> route_rules() {
  static constexpr std::array rules{
      NamedRule{"no default route", no_default_route, About::way},
      NamedRule{"route discards traffic", route_discards_traffic, About::way},
      NamedRule{"policy leads nowhere", policy_leads_nowhere, About::way},
      NamedRule{"gateway does not answer", gateway_does_not_answer, About::way},
      NamedRule{"router reports unreachable", router_reports_unreachable, About::way},
      NamedRule{"IPv6 is not configured", ipv6_is_not_configured},
      NamedRule{"IPv6 is broken", ipv6_is_broken},
  };
  return rules;
}

}  // namespace vnetprobe
