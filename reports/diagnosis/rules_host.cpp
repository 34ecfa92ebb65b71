#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/dns_view.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

using Host = Cited<HostObservation>;

std::vector<Host> about(const Evidenced& evidence, HostTopic topic) {
  std::vector<Host> found;
  for (const auto& host : cited<HostObservation>(evidence.open))
    if (host->topic == topic) found.push_back(host);
  return found;
}

// The article allows attached machines with Ubuntu only; managed nodes come with the right system, other machines are
// free.
std::vector<Finding> attached_machine_is_not_ubuntu(const Evidenced& evidence) {
  const auto& profile = evidence.report.node.profile;
  if (!profile || profile->value != "attached-vm") return {};
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::os)) {
    if (!host->os || host->os->id.empty() || host->os->id == "ubuntu") continue;
    const auto name = host->os->pretty_name.empty() ? host->os->id : host->os->pretty_name;
    findings.push_back({.code = "host.os_unsupported",
                        .subject = name,
                        .confidence = Confidence::proven,
                        .checks = {host.check->id},
                        .evidence = {host.says("the operating system is " + name)}});
  }
  return findings;
}

constexpr std::uint64_t mebibyte = 1024 * 1024;

// Little space on a small file system is its design; on a disk that programs write to it is the end.
bool is_full(const DiskFacts& disk) {
  if (disk.bytes_total == 0) return false;
  const bool last_percent = disk.bytes_available < disk.bytes_total / 100 && disk.bytes_available < 1024 * mebibyte;
  return last_percent || (disk.bytes_total > 1024 * mebibyte && disk.bytes_available < 100 * mebibyte);
}

std::vector<Finding> disk_is_full(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::disk)) {
    for (const auto& disk : host->disks) {
      const bool no_inodes = disk.inodes_total > 0 && disk.inodes_available == 0;
      if (!is_full(disk) && !no_inodes) continue;
      const auto free = fmt::format("{} MiB of {} MiB", disk.bytes_available / mebibyte, disk.bytes_total / mebibyte);
      const auto says = is_full(disk) ? fmt::format("{}: {} available", disk.path, free)
                                      : fmt::format("{}: none of {} inodes available", disk.path, disk.inodes_total);
      findings.push_back({.code = is_full(disk) ? "host.disk_full" : "host.inodes_full",
                          .subject = disk.path,
                          .confidence = Confidence::proven,
                          .checks = {host.check->id},
                          .evidence = {host.says(says)},
                          .values = {{"free", free}}});
    }
  }
  return findings;
}

bool carries_traffic(const InterfaceFacts& interface) {
  return interface.kind == "ethernet" || interface.kind == "veth" || interface.kind == "other";
}

std::vector<std::string> open_network_failures(const Evidenced& evidence) {
  std::vector<std::string> ids;
  for (const auto* check : evidence.open) {
    const auto imds = cited<ImdsObservation>(*check);
    const auto doors = cited<WireserverObservation>(*check);
    const bool platform = platform_is_owed(evidence.report) &&
                          ((!imds.empty() && imds.back()->error) || (!doors.empty() && doors.back()->tcp.error));
    const auto asked = cited<DnsObservation>(*check);
    const bool resolver = check->id.starts_with("node.resolver/") && !asked.empty() && !asked.front()->rcode;
    if (platform || resolver || ends_at_dns(*check) || ends_at_tcp(*check, evidence.report)) ids.push_back(check->id);
  }
  return ids;
}

// Whatever the kernel's flags say at the moment of looking: it tells a new cable's state late.
bool anybody_answered(const Report& report) {
  const auto tcp = cited<TcpObservation>(all_checks(report), Part::everything);
  return std::ranges::any_of(tcp, [](const auto& one) { return !one->error && !is_loopback(one->remote.address); });
}

// A second card that is not plugged in is nobody's trouble: only when no interface is left, and something failed.
std::vector<Finding> interface_is_down(const Evidenced& evidence) {
  const auto failing = open_network_failures(evidence);
  if (failing.empty() || anybody_answered(evidence.report)) return {};
  for (const auto topic : {HostTopic::interfaces, HostTopic::docker_bridge, HostTopic::routes}) {
    for (const auto& host : about(evidence, topic)) {
      const auto& all = host->interfaces;
      const auto up = std::any_of(all.begin(), all.end(), [](const InterfaceFacts& one) {
        return one.kind != "loopback" && one.up && !one.addresses.empty();
      });
      const auto down = std::find_if(all.begin(), all.end(),
                                     [](const InterfaceFacts& one) { return carries_traffic(one) && !one.up; });
      if (up || down == all.end()) continue;
      return {{.code = "route.interface_down",
               .subject = down->name,
               .confidence = Confidence::proven,
               .checks = {check_named(evidence.report, "node.route") ? "node.route" : host.check->id},
               .dependants = failing,
               .evidence = {host.says(down->name + " is down and no other interface has an address")}}};
    }
  }
  return {};
}

std::map<std::string, std::string> kinds_of_interfaces(const Report& report) {
  std::map<std::string, std::string> kinds;
  for (const auto topic : {HostTopic::interfaces, HostTopic::docker_bridge, HostTopic::routes})
    if (const auto host = host_fact(report, topic))
      for (const auto& one : (*host)->interfaces) kinds.emplace(one.name, one.kind);
  return kinds;
}

// The kernel's own word where it is known, else what the name says.
std::string kind_of(const std::map<std::string, std::string>& kinds, const std::string& interface) {
  if (const auto known = kinds.find(interface); known != kinds.end()) return known->second;
  const auto named = [&](std::string_view start) { return interface.starts_with(start); };
  if (named("docker") || named("br-") || named("virbr") || named("cni") || named("lxc")) return "bridge";
  if (named("tun") || named("tap") || named("wg") || named("ppp")) return "tun";
  return "";
}

bool is_tunnel(const std::string& kind) { return kind == "tun" || kind == "wireguard" || kind == "ppp"; }

// The default route's interface is how everything leaves this node, whatever its kind.
bool carries_the_default(const RouteTable& routes, const std::string& interface) {
  if (!routes.from()) return false;
  return std::ranges::any_of((*routes.from())->routes, [&](const RouteFacts& route) {
    return route.interface == interface && prefix_length(route.destination) == 0;
  });
}

// Something beyond a tunnel speaks: it leads where it should.
bool anybody_speaks_through(const Report& report, const RouteTable& routes, const std::string& interface) {
  const auto all = cited<TcpObservation>(all_checks(report), Part::everything);
  return std::ranges::any_of(all, [&](const auto& tcp) {
    const auto* route = routes.route_for(tcp->remote.address);
    return (!tcp->error || tcp->error == TcpFailure::refused) && route && route->interface == interface;
  });
}

bool came_to_an_end(const TcpObservation& tcp) {
  const bool by_reset = (tcp.error == TcpFailure::refused || tcp.error == TcpFailure::reset) && !tcp.icmp;
  return by_reset || (tcp.icmp && !tcp.icmp->offender_is_self);
}

// azure-facts 1.8: Docker's 172.17.0.0/16 takes the packets for a private endpoint in the same range. A bridge or a
// tunnel may be the intended way, so only an address that nobody answers for is evidence. For a private endpoint a
// local bridge is never the way: whoever refuses there is a container.
std::vector<Finding> address_is_captured_by_a_local_network(const Evidenced& evidence) {
  const RouteTable routes(evidence.report);
  const auto kinds = kinds_of_interfaces(evidence.report);
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    for (const auto& attempt : attempts(*check, evidence.report)) {
      const auto& address = attempt->remote.address;
      const auto* route = routes.route_for(address);
      const auto interface = route                                       ? route->interface
                             : attempt->route && attempt->route->interface ? *attempt->route->interface
                                                                           : std::string{};
      const auto kind = kind_of(kinds, interface);
      const bool tunnel = is_tunnel(kind);
      if (interface.empty() || carries_the_default(routes, interface) || (kind != "bridge" && !tunnel)) continue;
      const bool endpoint = check->target.private_endpoint && !tunnel;
      if (came_to_an_end(*attempt) && !endpoint) continue;
      if (tunnel && anybody_speaks_through(evidence.report, routes, interface)) continue;
      const char* overlap = tunnel ? "host.vpn_interface" : "route.overlap";
      Finding finding{.code = endpoint ? "private_endpoint.address_captured_locally" : overlap,
                      .subject = interface,
                      .confidence = endpoint ? Confidence::proven : Confidence::likely,
                      .dependants = {check->id},
                      .evidence = {attempt.says(address + " does not answer")},
                      .values = {{"address", address}}};
      if (!endpoint)
        finding.alternatives = {tunnel ? "the tunnel is the intended way, and its other end or the target is down"
                                       : "a container of this node is meant, and it does not run"};
      if (route) {
        finding.values.emplace_back("prefix", route->destination);
        finding.evidence.push_back(
            routes.from()->says(fmt::format("the route {} of {} covers {}", route->destination, interface, address)));
      }
      if (kind == "bridge" && check_named(evidence.report, "node.docker-bridge"))
        finding.checks.push_back("node.docker-bridge");
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

// Programs are sent to 127.0.0.53 and the node itself refuses them there. A resolver given on the command line is not
// the node's own, so the libc resolver must have been asked as well.
std::vector<Finding> dns_stub_is_down(const Evidenced& evidence) {
  Finding finding{.code = "host.dns_stub_down", .subject = "127.0.0.53", .confidence = Confidence::proven};
  for (const auto& host : about(evidence, HostTopic::resolvers))
    if (host->resolvers && !host->resolvers->stub_running)
      finding.evidence.push_back(host.says("resolv.conf names a local stub and nothing listens there"));
  for (const auto* check : evidence.open) {
    const auto asked = cited<DnsObservation>(*check);
    const auto libc =
        std::find_if(asked.begin(), asked.end(), [](const auto& dns) { return dns->via == DnsVia::libc; });
    for (const auto& dns : asked) {
      if (!dns->server || dns->error != DnsFailure::unreachable || !is_stub(evidence.report, *dns->server)) continue;
      if (check->id.starts_with("node.resolver/"))
        finding.checks.push_back(check->id);
      else if (libc == asked.end())
        continue;
      finding.subject = dns->server->address;
      finding.evidence.push_back(dns.says("nothing answers at " + to_string(*dns->server) + " on this node"));
    }
    if (libc != asked.end() && (*libc)->error && (*libc)->addresses.empty()) finding.dependants.push_back(check->id);
  }
  if (finding.evidence.empty() || (finding.checks.empty() && finding.dependants.empty())) return {};
  // Refused at once, the library asks the next server.
  finding.warns = finding.dependants.empty() && library_resolves(evidence.report);
  return {finding};
}

bool lacks_an_issuer(const TlsObservation& tls) {
  // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ..._SELF_SIGNED_CERT_IN_CHAIN, ..._GET_ISSUER_CERT_LOCALLY,
  // ..._VERIFY_LEAF_SIGNATURE
  constexpr std::array codes{2, 19, 20, 21};
  return tls.error == TlsFailure::unverified && std::find(codes.begin(), codes.end(), tls.verify_code) != codes.end();
}

std::vector<Finding> certificate_store_is_empty(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::ca_store)) {
    const bool missing = host->error == HostFailure::not_found;
    const bool empty = host->ca_store && host->ca_store->certificates == 0 && host->ca_store->user_certificates == 0;
    if (!missing && !empty) continue;
    Finding finding{.code = "host.ca_store_empty",
                    .subject = empty && !host->ca_store->path.empty() ? host->ca_store->path : "/etc/ssl/certs",
                    .confidence = Confidence::proven,
                    .checks = {host.check->id},
                    .evidence = {host.says("no root certificate was found")}};
    bool verified = false;
    for (const auto& tls : cited<TlsObservation>(all_checks(evidence.report))) verified = verified || tls->verified;
    for (const auto& tls : cited<TlsObservation>(evidence.open)) {
      if (!lacks_an_issuer(*tls)) continue;
      finding.dependants.push_back(tls.check->id);
      finding.evidence.push_back(
          tls.says("its chain does not verify: " + tls->verify_error.value_or("unknown issuer")));
    }
    if (!verified) findings.push_back(std::move(finding));
  }
  return findings;
}

// An optional port without a listener is a note: the machine may stand in for the node that will have the service.
std::vector<Finding> nothing_listens_for_inbound_connections(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::listeners)) {
    if (!host.check->id.starts_with("inbound.") || host->error || host.check->target.port == 0) continue;
    const auto port = host.check->target.port;
    bool any = false, reachable = false;
    for (const auto& listener : host->listeners) {
      if (listener.endpoint.port != port) continue;
      any = true;
      reachable = reachable || !is_loopback(listener.endpoint.address);
    }
    if (reachable) continue;
    findings.push_back({.code = any ? "inbound.listener_loopback" : "inbound.no_listener",
                        .subject = std::to_string(port),
                        .confidence = Confidence::proven,
                        .checks = {host.check->id},
                        .evidence = {host.says(any ? "the listener is bound to a loopback address only"
                                                   : "no socket listens on this port")},
                        .only_informs = !host.check->required});
  }
  return findings;
}

// Only root may read the rules; anybody else sees no such observation.
std::vector<Finding> own_filter_stops_inbound_connections(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::input_filter)) {
    if (!host->input_filter || host.check->target.port == 0) continue;
    const auto ruling = host->input_filter->ruling;
    if (ruling != FilterRuling::drops && ruling != FilterRuling::rejects) continue;
    findings.push_back(
        {.code = "host.firewall.input_drop",
         .subject = std::to_string(host.check->target.port),
         .confidence = Confidence::proven,
         .checks = {host.check->id},
         .evidence = {host.says(fmt::format("{}: {} a new connection from elsewhere", host->input_filter->rule,
                                            ruling == FilterRuling::drops ? "drops" : "rejects"))},
         .only_informs = !host.check->required});
  }
  return findings;
}

struct InboundConnections {
  int half_open{}, established{};
};
InboundConnections connections_to(const HostObservation& seen, std::uint16_t port) {
  InboundConnections all;
  for (const auto& listener : seen.listeners) {
    if (listener.endpoint.port != port) continue;
    all.half_open += listener.syn_received;
    all.established += listener.established;
  }
  return all;
}

// The first packet arrives, the answer is lost: seen as connections that stay half open while none is ever completed.
// One that is half open in one look is on its way, or its peer gave up; several, or the same seconds later, are not.
std::vector<Finding> answers_take_another_way(const Evidenced& evidence) {
  constexpr int several = 3;
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::listeners)) {
    const auto port = host.check->target.port;
    if (!host.check->id.starts_with("inbound.") || port == 0) continue;
    const auto first = connections_to(*host, port);
    if (first.half_open == 0 || first.established > 0) continue;
    Finding finding{.code = "route.asymmetric_inbound", .subject = std::to_string(port)};
    finding.checks = {host.check->id};
    finding.evidence = {host.says(fmt::format("{} half-open connection{} to port {} and none that is established",
                                              first.half_open, first.half_open == 1 ? "" : "s", port))};
    bool stay = first.half_open >= several;
    for (const auto& later : cited<HostObservation>(*host.check, Part::experiments)) {
      if (later->topic != HostTopic::listeners) continue;
      const auto then = connections_to(*later, port);
      stay = then.half_open > 0 && then.established == 0;
      finding.evidence.push_back(later.says(
          fmt::format("seconds later {} are half open, and {} established", then.half_open, then.established)));
    }
    finding.confidence = stay ? Confidence::likely : Confidence::possible;
    finding.only_informs = !stay;
    findings.push_back(std::move(finding));
  }
  return as_one(std::move(findings));
}

// Larger packets than a virtual network carries (azure-facts 10). Some machine types do support it, so it is a note.
std::vector<Finding> packets_are_too_large(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& host : about(evidence, HostTopic::interfaces))
    for (const auto& one : host->interfaces)
      if (one.up && carries_traffic(one) && one.mtu > 1500)
        findings.push_back({.code = "route.mtu_mismatch",
                            .subject = one.name,
                            .confidence = Confidence::possible,
                            .checks = {host.check->id},
                            .evidence = {host.says(fmt::format("{} has an MTU of {}", one.name, one.mtu))},
                            .only_informs = true});
  return findings;
}

}  // namespace

std::span<const NamedRule> host_rules() {
  static constexpr std::array rules{
      NamedRule{"attached machine is not Ubuntu", attached_machine_is_not_ubuntu},
      NamedRule{"disk is full", disk_is_full},
      NamedRule{"interface is down", interface_is_down},
      NamedRule{"address is captured by a local network", address_is_captured_by_a_local_network},
      NamedRule{"DNS stub is down", dns_stub_is_down},
      NamedRule{"certificate store is empty", certificate_store_is_empty},
      NamedRule{"nothing listens for inbound connections", nothing_listens_for_inbound_connections},
      NamedRule{"own filter stops inbound connections", own_filter_stops_inbound_connections},
      NamedRule{"answers take another way", answers_take_another_way},
      NamedRule{"packets are too large", packets_are_too_large},
  };
  return rules;
}

}  // namespace vnetprobe
