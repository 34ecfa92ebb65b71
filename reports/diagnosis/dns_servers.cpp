#include "reports/diagnosis/dns_servers.hpp"

#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

using Dns = Cited<DnsObservation>;

void count(DnsServer& server, const Dns& dns) {
  const bool tcp = dns->transport == DnsTransport::tcp;
  ++(tcp ? server.tcp_asked : server.udp_asked);
  if (got_through(*dns)) ++(tcp ? server.tcp_answered : server.udp_answered);
  server.asked.push_back(dns);
}

// The checks of local stubs that only repeat that their upstream gives nothing.
void add_stubs_that_repeat_it(const Evidenced& evidence, Finding& finding) {
  const auto& report = evidence.report;
  for (const auto& server : evidence.servers) {
    if (!is_stub(report, server.endpoint) || lives(server, report)) continue;
    if (const auto* check = resolver_check(report, server.endpoint)) add_once(finding.checks, check->id);
  }
}

bool meets_the_same(const TcpObservation& tcp, const Stopped& stopped) {
  if (stopped.by == StoppedBy::own_filter) return could_not_send(tcp);
  if (!tcp.icmp || tcp.icmp->offender != stopped.question->icmp->offender) return false;
  return stopped.by == StoppedBy::router ? says_no_route(*tcp.icmp, is_v6(tcp.remote.address))
                                         : rejects(*tcp.icmp, is_v6(tcp.remote.address));
}

std::optional<Stopped> who_stops(const DnsServer& server, const Report& report) {
  const auto& address = server.endpoint.address;
  if (server.udp_answered > 0 || is_at_home(report, address)) return std::nullopt;
  // Programs ask over UDP, and a rule about TCP alone does not stop them.
  auto asked = server.asked;
  if (server.udp_asked > 0) std::erase_if(asked, [](const Dns& dns) { return dns->transport == DnsTransport::tcp; });
  const auto first = [&](StoppedBy by, auto stops) -> std::optional<Stopped> {
    const auto found = std::ranges::find_if(asked, [&](const Dns& dns) { return stops(*dns); });
    return found == asked.end() ? std::nullopt : std::optional(Stopped{.by = by, .question = *found});
  };
  const auto rejected_by = [&](Rejecter whose) {
    return
        [&address, whose](const DnsObservation& dns) { return dns.icmp && who_rejects(*dns.icmp, address) == whose; };
  };
  // This node's rules stop each question; one that left and found silence was let through. A rule that rejects lets the
  // kernel say EPERM as well, and its ICMP errors are limited in number.
  if (std::ranges::none_of(asked, [](const Dns& dns) { return dns->error == DnsFailure::timed_out; })) {
    if (auto own = first(StoppedBy::own_rejection, rejected_by(Rejecter::this_node))) return own;
    if (auto own = first(StoppedBy::own_filter, [](const DnsObservation& dns) { return dns.errno_name == "EPERM"; }))
      return own;
  }
  if (server.answered()) return std::nullopt;
  if (auto device = first(StoppedBy::device, rejected_by(Rejecter::device))) return device;
  return first(StoppedBy::router, [&](const DnsObservation& dns) {
    const bool others = dns.icmp && !dns.icmp->offender_is_self && !dns.icmp->offender.empty();
    return others && says_no_route(*dns.icmp, is_v6(address)) && !misses_the_host(*dns.icmp, is_v6(address));
  });
}

}  // namespace

std::vector<DnsServer> servers_of(const Report& report) {
  std::vector<DnsServer> servers;
  const auto known = [&](const Endpoint& endpoint) {
    return std::ranges::find(servers, endpoint, &DnsServer::endpoint);
  };
  for (const auto& check : report.checks) {
    for (const auto& dns : cited<DnsObservation>(check)) {
      if (!dns->server || (!check.finished && !got_through(*dns))) continue;
      if (known(*dns->server) == servers.end()) servers.push_back({.endpoint = *dns->server});
      count(*known(*dns->server), dns);
    }
  }
  for (const auto& dns : cited<DnsObservation>(all_checks(report), Part::experiments))
    if (dns->server && known(*dns->server) != servers.end()) count(*known(*dns->server), dns);
  for (auto& server : servers) server.stopped = who_stops(server, report);
  return servers;
}

bool got_through(const DnsObservation& dns) {
  return dns.error != DnsFailure::timed_out && dns.error != DnsFailure::unreachable &&
         dns.error != DnsFailure::no_resolver;
}

bool udp_is_blocked(const DnsServer& server) {
  return server.udp_asked > 0 && server.udp_answered == 0 && server.tcp_answered > 0;
}

bool lives(const DnsServer& server, const Report& report) {
  if (!is_stub(report, server.endpoint)) return server.answered();
  return std::ranges::any_of(server.asked,
                             [](const Dns& dns) { return !dns->error || dns->error == DnsFailure::nxdomain; });
}

std::vector<std::string> victims_of_dns(const Evidenced& evidence) {
  std::vector<std::string> ids;
  for (const auto* check : evidence.open)
    if (!is_resolver_check(*check) && ends_at_dns(*check) && check->finished) ids.push_back(check->id);
  return ids;
}

void add_victims_of(const DnsServer& server, const Evidenced& evidence, Finding& finding) {
  const auto& report = evidence.report;
  if (const auto* own = resolver_check(report, server.endpoint)) finding.checks.push_back(own->id);
  finding.warns = library_resolves(report) || std::ranges::any_of(evidence.servers, [&](const DnsServer& other) {
                    return other.endpoint != server.endpoint && lives(other, report);
                  });
  const bool only_one = std::ranges::count_if(evidence.servers, [&](const DnsServer& one) {
                          return !is_stub(report, one.endpoint);
                        }) == 1;
  finding.values.emplace_back("consequence",
                              fmt::format(" {} is {}", server.name(),
                                          finding.warns ? "one of the node's DNS servers, and programs wait for it."
                                          : only_one    ? "the node's DNS server: without it no name leads anywhere."
                                                        : "one of the node's DNS servers, of which none answers."));
  if (finding.warns) {
    if (finding.checks.empty())
      for (const auto& dns : server.asked) add_once(finding.checks, dns.check->id);
    return;
  }
  add_stubs_that_repeat_it(evidence, finding);
  finding.dependants = victims_of_dns(evidence);
  for (const auto& imds : cited<ImdsObservation>(evidence.open)) {
    if (!imds->tcp || !meets_the_same(*imds->tcp, *server.stopped)) continue;
    finding.dependants.push_back(imds.check->id);
    finding.evidence.push_back(imds.says("what goes to the metadata service is stopped by the same"));
  }
}

}  // namespace vnetprobe
