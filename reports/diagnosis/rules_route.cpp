#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/dns_servers.hpp"
#include "reports/diagnosis/dns_view.hpp"
#include "reports/diagnosis/icmp.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

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

// On a machine that is none of Azure's, IMDS and WireServer are asked all the same: beside others they are witnesses,
// and alone they are no matter of this node's.
bool is_a_matter(const Report& report, const Check& check) {
  return platform_is_owed(report) || !asks_the_platform(check);
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

// A datagram that the node itself could not send: no router said a word.
bool fails_here(const UdpObservation& udp, UdpFailure failure) {
  return udp.error == failure && !(udp.icmp && !udp.icmp->offender_is_self) && !is_v6(udp.remote.address);
}

// The kernel's word at once, for where nobody looked at the table (--only).
bool has_no_route(const DnsObservation& dns) {
  return !is_v6(dns.server->address) && dns.errno_name == "ENETUNREACH" && !dns.icmp;
}

// ENETUNREACH at once, and the table says why. A table without a default route alone is no fault: everything that is
// needed may be on link, or behind a proxy that is.
std::vector<Finding> no_default_route(const Evidenced& evidence) {
  const auto table = table_without_default(evidence.report);
  const RouteTable routes(evidence.report);
  Finding finding{.code = "route.no_default", .subject = "IPv4", .confidence = Confidence::proven};
  bool matters = false;
  for (const auto* check : evidence.open) {
    const auto tried = all_attempts(*check, evidence.report);
    const auto lost = std::find_if(tried.begin(), tried.end(), [&](const Tcp& tcp) {
      const bool no_route = tcp->route ? tcp->route->type == "none" : table.has_value();
      return tcp->error == TcpFailure::network_unreachable && !tcp->icmp && no_route && !is_v6(tcp->remote.address);
    });
    if (lost != tried.end() && no_one_connected(*check, evidence.report)) {
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(lost->says((*lost)->remote.address + ": network is unreachable, no route for it"));
      matters = matters || is_a_matter(evidence.report, *check);
    }
    for (const auto& udp : cited<UdpObservation>(*check)) {
      if (!table || !fails_here(*udp, UdpFailure::network_unreachable) || routes.route_for(udp->remote.address))
        continue;
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(udp.says(udp->remote.address + ": network is unreachable for a datagram too"));
      matters = true;
    }
    if (!(ends_at_dns(*check) || is_resolver_check(*check))) continue;
    for (const auto& dns : cited<DnsObservation>(*check)) {
      if (dns->error != DnsFailure::unreachable || !dns->server) continue;
      if (table ? routes.route_for(dns->server->address) != nullptr : routes.from() || !has_no_route(*dns)) continue;
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(dns.says("no route to the DNS server " + dns->server->address));
      matters = true;
      break;
    }
  }
  if (!matters) return {};
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

// The kernel's word alone, for where nobody looked at the table (--only). An address on the link without its scope is
// EINVAL too, and that of a whole network EACCES.
bool discarded_locally(const DnsObservation& dns) {
  return !dns.icmp && !in_prefix(dns.server->address, "fe80::/10") &&
         (dns.errno_name == "EINVAL" || dns.errno_name == "EACCES");
}

void add_discarded_datagrams(const Check& check, const RouteTable& routes, std::vector<Finding>& findings) {
  for (const auto& udp : cited<UdpObservation>(check)) {
    const auto* route = routes.route_for(udp->remote.address);
    const bool by_table = route && discards(route->type) && udp->error && !udp->icmp;
    if (!by_table && !fails_here(*udp, UdpFailure::invalid_route)) continue;
    findings.push_back({.code = "route.blackholed_locally",
                        .subject = by_table ? route->destination : udp->remote.address,
                        .confidence = Confidence::proven,
                        .checks = {check.id},
                        .evidence = {udp.says(fmt::format("a datagram to {} fails at once with {}", udp->remote.address,
                                                          udp->errno_name.value_or("an error")))},
                        .values = {{"route_type", by_table ? route->type : ""}, {"address", udp->remote.address}}});
    return;
  }
}

void add_discarded_questions(const Check& check, const RouteTable& routes, std::vector<Finding>& findings) {
  for (const auto& dns : cited<DnsObservation>(check)) {
    if (!dns->error || !dns->server) continue;
    const auto& address = dns->server->address;
    const auto* route = routes.route_for(address);
    const bool by_table = route && discards(route->type);
    if (!by_table && (routes.from() || !discarded_locally(*dns))) continue;
    Finding finding{.code = "route.blackholed_locally",
                    .subject = by_table ? route->destination : address,
                    .confidence = by_table ? Confidence::proven : Confidence::likely,
                    .checks = {check.id},
                    .values = {{"route_type", by_table ? route->type : ""}, {"address", address}}};
    if (by_table)
      finding.evidence = {dns.says("the DNS server " + address + " lies behind it"),
                          routes.from()->says("route " + route->type + " " + route->destination)};
    else
      finding.evidence = {
          dns.says("a question to the DNS server " + address + " fails at once with " + *dns->errno_name)};
    if (!by_table) finding.alternatives = {"the address cannot be asked, as that of a whole network"};
    findings.push_back(std::move(finding));
    return;
  }
}

std::vector<Finding> route_discards_traffic(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const RouteTable routes(evidence.report);
  const auto subject_of = [&](const std::string& address) {
    const auto* route = routes.route_for(address);
    return route && discards(route->type) ? route->destination : address;
  };
  for (const auto* check : evidence.open) {
    if (!is_a_matter(evidence.report, *check)) continue;
    add_discarded_datagrams(*check, routes, findings);
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
    if (ends_at_dns(*check) || is_resolver_check(*check)) add_discarded_questions(*check, routes, findings);
  }
  return findings;
}

// What a check that only asks for names sees of a dead way: silence, and no word that decides anything.
bool names_get_no_answer(const Check& check) {
  if (!ends_at_dns(check) && !is_resolver_check(check)) return false;
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
    if (!no_one_connected(*check, evidence.report) || !is_a_matter(evidence.report, *check)) continue;
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

// Whether `gateway` is where this node's traffic goes by default: its death is the route's failure, and that of what
// only asks for names. Another gateway's is the matter of those that lie behind it.
bool is_default_gateway(const RouteTable& routes, const std::string& gateway) {
  if (!routes.from()) return true;
  const auto& all = (*routes.from())->routes;
  const auto is_default = [](const RouteFacts& route) { return prefix_length(route.destination) == 0; };
  return std::ranges::none_of(all, is_default) || std::ranges::any_of(all, [&](const RouteFacts& route) {
           return is_default(route) && route.gateway == gateway;
         });
}

bool goes_through(const RouteTable& routes, const std::string& gateway, const std::string& address) {
  const auto* route = routes.route_for(address);
  return route ? route->gateway == gateway : is_default_gateway(routes, gateway);
}

// What cannot see the gateway itself and shares its fate: names that get no answer, and datagrams.
bool waits_behind(const Check& check, const RouteTable& routes, const std::string& gateway) {
  const auto sent = cited<UdpObservation>(check);
  if (std::ranges::any_of(sent, [&](const auto& udp) {
        return fails_here(*udp, UdpFailure::host_unreachable) && goes_through(routes, gateway, udp->remote.address);
      }))
    return true;
  if (!names_get_no_answer(check)) return false;
  const auto asked = cited<DnsObservation>(check);
  return is_default_gateway(routes, gateway) || std::ranges::any_of(asked, [&](const auto& dns) {
           return dns->server && goes_through(routes, gateway, dns->server->address);
         });
}

// A question that this node could not hand to the gateway: it says "host unreachable" itself, of a server behind one.
std::optional<std::string> silent_gateway(const DnsObservation& dns, const RouteTable& routes) {
  const bool by_itself = dns.errno_name == "EHOSTUNREACH" && (!dns.icmp || dns.icmp->offender_is_self);
  const auto* route = by_itself && dns.server ? routes.route_for(dns.server->address) : nullptr;
  if (!route || route->gateway.empty()) return {};
  return route->gateway;
}

// Something came back through it in this run: then it is alive, whatever the kernel says of one server.
bool carries_traffic(const std::string& gateway, const Evidenced& evidence, const RouteTable& routes) {
  const auto connections = cited<TcpObservation>(all_checks(evidence.report), Part::everything);
  return std::ranges::any_of(connections,
                             [&](const Tcp& tcp) {
                               return !tcp->error && !is_at_home(evidence.report, tcp->remote.address) &&
                                      goes_through(routes, gateway, tcp->remote.address);
                             }) ||
         std::ranges::any_of(evidence.servers, [&](const DnsServer& server) {
           return server.answered() && !is_at_home(evidence.report, server.endpoint.address) &&
                  goes_through(routes, gateway, server.endpoint.address);
         });
}

// Where nothing has a neighbour entry to show, the kernel's own word does, though a rule of the node could say it too.
void add_questions_behind_gateways(const Evidenced& evidence, const RouteTable& routes,
                                   std::map<std::string, Finding>& by_gateway, std::set<std::string>& matters) {
  for (const auto& server : evidence.servers) {
    if (server.answered() || is_at_home(evidence.report, server.endpoint.address)) continue;
    for (const auto& dns : server.asked) {
      const auto gateway = silent_gateway(*dns, routes);
      if (!gateway || carries_traffic(*gateway, evidence, routes)) continue;
      const bool is_new = !by_gateway.contains(*gateway);
      auto& finding = by_gateway[*gateway];
      if (is_new) {
        finding.confidence = Confidence::likely;
        finding.alternatives = {"a rule of this node's own firewall answers so"};
      }
      finding.dependants.push_back(dns.check->id);
      finding.evidence.push_back(dns.says(fmt::format(
          "a question to {} does not leave this node's link: it says host unreachable itself, and the way there is {}",
          to_string(server.endpoint), *gateway)));
      matters.insert(*gateway);
      break;
    }
  }
}

std::vector<Finding> gateway_does_not_answer(const Evidenced& evidence) {
  const RouteTable routes(evidence.report);
  std::map<std::string, Finding> by_gateway;
  std::set<std::string> matters;  // gateways behind which something lies that is owed an answer
  for (const auto* check : evidence.open) {
    if (!no_one_connected(*check, evidence.report)) continue;
    for (const auto& tcp : all_attempts(*check, evidence.report)) {
      const auto gateway = silent_gateway(*tcp);
      if (!gateway) continue;
      auto& finding = by_gateway[*gateway];
      finding.confidence = Confidence::proven;
      finding.dependants.push_back(check->id);
      finding.evidence.push_back(
          tcp.says(fmt::format("no answer for {} in {}; neighbour entry of {}: {}", tcp->remote.address,
                               words(tcp->duration), *gateway, tcp->neighbour->state)));
      if (is_a_matter(evidence.report, *check)) matters.insert(*gateway);
      break;
    }
  }
  add_questions_behind_gateways(evidence, routes, by_gateway, matters);
  std::vector<Finding> findings;
  for (auto& [gateway, finding] : by_gateway) {
    if (!matters.contains(gateway)) continue;
    finding.code = "route.gateway_unresolved";
    finding.subject = gateway;
    for (const auto* check : evidence.open)
      if (waits_behind(*check, routes, gateway)) finding.dependants.push_back(check->id);
    if (const auto table = host_fact(evidence.report, HostTopic::routes); table && is_default_gateway(routes, gateway))
      finding.checks.push_back(table->check->id);
    findings.push_back(std::move(finding));
  }
  return findings;
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

// A proxy that no router finds is a dead proxy, unless the same router says so of what goes without it too.
void add_proxies_of_the_same_side(std::vector<Finding> of_proxies, std::vector<Finding>& findings) {
  const auto place = [](const Finding& finding) {
    return std::pair(finding.subject, side_of(finding.values.front().second));
  };
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& finding : findings) known.insert(place(finding));
  for (auto& finding : of_proxies)
    if (known.contains(place(finding))) findings.push_back(std::move(finding));
}

std::vector<Finding> router_reports_unreachable(const Evidenced& evidence) {
  std::vector<Finding> findings, of_proxies;
  const auto add = [&](const Check& check, const IcmpError& icmp, const std::string& address, Evidence proof) {
    auto& into = check.proxy ? of_proxies : findings;
    into.push_back({.code = "route.unreachable_reported",
                    .subject = icmp.offender,
                    .confidence = Confidence::proven,
                    .checks = {check.id},
                    .evidence = {std::move(proof)},
                    .values = {{"address", address}}});
  };
  const auto text = [](const IcmpError& icmp, const std::string& address) {
    const bool loop = icmp.type == (is_v6(address) ? 3 : 11);
    return fmt::format("ICMP type {} code {} from {} for {}{}", icmp.type, icmp.code, icmp.offender, address,
                       loop ? ": its time to live ran out on the way, as in a routing loop" : "");
  };
  for (const auto* check : evidence.open) {
    if (!is_a_matter(evidence.report, *check)) continue;
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
  add_proxies_of_the_same_side(std::move(of_proxies), findings);
  add_silent_neighbours(evidence, findings);
  return findings;
}

}  // namespace

std::span<const NamedRule> route_rules() {
  static constexpr std::array rules{
      NamedRule{"no default route", no_default_route, About::way},
      NamedRule{"route discards traffic", route_discards_traffic, About::way},
      NamedRule{"policy leads nowhere", policy_leads_nowhere, About::way},
      NamedRule{"gateway does not answer", gateway_does_not_answer, About::way},
      NamedRule{"router reports unreachable", router_reports_unreachable, About::way},
  };
  return rules;
}

}  // namespace vnetprobe
