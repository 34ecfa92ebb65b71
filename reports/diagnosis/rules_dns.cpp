#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_servers.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

using Dns = Cited<DnsObservation>;

// A program on this node would have got nothing for some name.
bool library_gives_up(const Report& report) {
  return std::ranges::any_of(cited<DnsObservation>(all_checks(report)), [](const Dns& dns) {
    const bool nothing = dns->error == DnsFailure::timed_out || dns->error == DnsFailure::libc_error;
    return dns->via == DnsVia::libc && nothing && dns.check->finished;
  });
}

std::vector<Finding> no_resolver(const Evidenced& evidence) {
  Finding finding{.code = "dns.no_resolver", .subject = "this node", .confidence = Confidence::proven};
  for (const auto& server : evidence.servers)
    if (server.answered()) return {};
  if (library_resolves(evidence.report)) return {};
  for (const auto& dns : cited<DnsObservation>(evidence.open)) {
    if (dns->error != DnsFailure::no_resolver) continue;
    finding.dependants.push_back(dns.check->id);
    finding.evidence.push_back(dns.says("there is no server to ask"));
  }
  const auto host = host_fact(evidence.report, HostTopic::resolvers);
  const bool none_listed = host && (*host)->resolvers && (*host)->resolvers->servers.empty();
  // Without a server in resolv.conf the library asks this machine itself, where nobody listens.
  if (none_listed || evidence.report.node.resolvers.empty())
    for (const auto& dns : cited<DnsObservation>(evidence.open)) {
      if (dns->via != DnsVia::libc || dns->error != DnsFailure::libc_error || !dns.check->finished) continue;
      finding.dependants.push_back(dns.check->id);
      finding.evidence.push_back(
          dns.says("no server is configured, and the library has none to ask: " + dns->detail.value_or("no answer")));
    }
  if (none_listed && !finding.dependants.empty()) {
    finding.checks.push_back(host->check->id);
    finding.evidence.insert(finding.evidence.begin(), host->says("no DNS server is configured"));
  }
  if (finding.dependants.empty()) return {};
  for (const auto& id : victims_of_dns(evidence)) finding.dependants.push_back(id);
  return {finding};
}

// One question alone can get lost. Every one of several, or a refusal by the network, cannot.
bool is_dead(const DnsServer& server) {
  if (server.answered()) return false;
  const bool refused = std::any_of(server.asked.begin(), server.asked.end(),
                                   [](const Dns& dns) { return dns->error == DnsFailure::unreachable; });
  return refused || server.asked.size() >= 2;
}

Finding about_server(const DnsServer& server, const Report& report) {
  Finding finding{.code = "dns.resolver.unreachable", .subject = server.name(), .confidence = Confidence::likely};
  if (udp_is_blocked(server)) {
    finding.code = "dns.resolver.udp_blocked";
    finding.confidence = Confidence::proven;
  }
  if (const auto* check = resolver_check(report, server.endpoint)) finding.checks.push_back(check->id);
  if (server.tcp_asked > 0 && !udp_is_blocked(server))
    finding.values.emplace_back("over_tcp", ", over UDP and over TCP");
  for (const auto& dns : server.asked) {
    if (finding.evidence.size() == 4) break;
    const auto over = dns->transport == DnsTransport::tcp ? "TCP" : "UDP";
    const auto what = got_through(*dns)                       ? "answered"
                      : dns->error == DnsFailure::unreachable ? "is unreachable"
                                                              : "did not answer";
    finding.evidence.push_back(dns.says(fmt::format("{} {} over {} in {}{}", server.name(), what, over,
                                                    words(dns->duration), dns->detail ? ": " + *dns->detail : "")));
  }
  for (const auto& dns : server.asked)
    if (dns->icmp && !dns->icmp->offender_is_self && misses_the_host(*dns->icmp, is_v6(server.endpoint.address)))
      add_once(finding.alternatives,
               fmt::format("the router {}, which calls the host unreachable, has no route to it", dns->icmp->offender));
  if (std::ranges::any_of(server.asked, [](const Dns& dns) { return dns->errno_name == "EPERM"; }))
    finding.alternatives.push_back("this node's own firewall, which refuses some of the questions");
  return finding;
}

// "Port unreachable" in the server's own name: the way there is open.
void tell_that_nobody_listens(const DnsServer& server, Finding& finding) {
  const bool says_so = std::ranges::any_of(server.asked, [&](const Dns& dns) {
    return dns->icmp && !dns->icmp->offender_is_self &&
           who_rejects(*dns->icmp, server.endpoint.address) == Rejecter::target;
  });
  if (!says_so || udp_is_blocked(server)) return;
  finding.confidence = Confidence::proven;
  finding.values.emplace_back("whose",
                              "Its machine is there and says by ICMP that nobody listens on that port: the DNS service "
                              "does not run, or a firewall on that machine rejects questions.");
}

// Where nothing at all came back in this run, the metadata service's silence is the same silence.
void add_silent_platform(const Evidenced& evidence, Finding& finding) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report), Part::everything))
    if (!tcp->error && !is_loopback(tcp->remote.address)) return;
  for (const auto& imds : cited<ImdsObservation>(evidence.open)) {
    if (imds->error != ImdsFailure::timed_out) continue;
    finding.dependants.push_back(imds.check->id);
    finding.evidence.push_back(imds.says("the metadata service is silent too: nothing answers beyond this node"));
    add_once(finding.alternatives, "everything beyond this node is cut off, and not DNS alone");
  }
}

// A server of the other family, on a node that has none of it: the kernel refuses at once, and nobody waits.
bool is_without_means(const DnsServer& server, const Report& report) {
  return is_v6(server.endpoint.address) && !has_global_v6(report) &&
         std::ranges::all_of(server.asked, [](const Dns& dns) { return dns->error == DnsFailure::unreachable; });
}

// Who answers beside the servers that do not.
struct Living {
  bool servers{}, stubs{}, library{};
  bool anybody() const { return servers || stubs || library; }
};

std::vector<Finding> dead_beside_living(const std::vector<DnsServer>& dead, const Living& living,
                                        const Report& report) {
  const bool over_tcp_only = std::ranges::any_of(dead, udp_is_blocked);
  // What no server here tells in time, programs get all the same: late, or by the stub on a way of its own (DNS over
  // TLS).
  const bool programs_get_all = !living.servers && living.library && !library_gives_up(report);
  std::vector<Finding> findings;
  for (const auto& server : dead) {
    auto finding = about_server(server, report);
    const bool nobody_else = !living.servers && !living.stubs && !over_tcp_only;
    if (nobody_else)
      finding.code = "dns.resolver.slow";
    else
      tell_that_nobody_listens(server, finding);
    finding.only_informs = programs_get_all || is_without_means(server, report);
    finding.warns = !finding.only_informs;
    if (finding.checks.empty())
      for (const auto& dns : server.asked) add_once(finding.checks, dns.check->id);
    findings.push_back(std::move(finding));
  }
  return findings;
}

// One dead server beside a living one is a nuisance; all dead is the one cause of everything that needs a name. Answers
// that only come late are a note, as long as programs get them.
std::vector<Finding> resolver_is_unreachable(const Evidenced& evidence) {
  const auto all = evidence.servers;
  std::vector<DnsServer> dead;
  Living living{.library = library_resolves(evidence.report)};
  for (const auto& server : all) {
    if (server.stopped) continue;  // a rule about the way has told it
    const bool stub = is_stub(evidence.report, server.endpoint);
    if (udp_is_blocked(server) || (is_dead(server) && !stub))
      dead.push_back(server);
    else if (lives(server, evidence.report))
      (stub ? living.stubs : living.servers) = true;
  }
  if (std::ranges::any_of(all, [](const DnsServer& one) { return one.stopped.has_value(); }))
    std::erase_if(dead, [&](const DnsServer& one) { return is_without_means(one, evidence.report); });
  if (dead.empty()) return {};
  if (living.anybody()) return dead_beside_living(dead, living, evidence.report);
  Finding together = about_server(dead.front(), evidence.report);
  if (dead.size() == 1) tell_that_nobody_listens(dead.front(), together);
  for (auto next = dead.begin() + 1; next != dead.end(); ++next) {
    const auto more = about_server(*next, evidence.report);
    together.subject += ", " + more.subject;
    together.checks.insert(together.checks.end(), more.checks.begin(), more.checks.end());
    together.evidence.insert(together.evidence.end(), more.evidence.begin(), more.evidence.end());
  }
  for (const auto& server : all)
    if (const auto* stub = resolver_check(evidence.report, server.endpoint); stub && !lives(server, evidence.report))
      add_once(together.checks, stub->id);
  together.dependants = victims_of_dns(evidence);
  add_silent_platform(evidence, together);
  return {together};
}

// No server could be asked by itself, and the library gets nothing: the node's DNS as a whole is silent.
std::vector<Finding> library_gets_no_answer(const Evidenced& evidence) {
  if (!evidence.servers.empty() || library_resolves(evidence.report)) return {};
  Finding finding{.code = "dns.resolver.unreachable", .subject = "of this node", .confidence = Confidence::possible};
  for (const auto& dns : cited<DnsObservation>(evidence.open)) {
    const bool silent = dns->error == DnsFailure::timed_out || dns->error == DnsFailure::libc_error ||
                        dns->error == DnsFailure::servfail;
    if (!silent || dns->via != DnsVia::libc || !dns.check->finished) continue;
    finding.dependants.push_back(dns.check->id);
    finding.evidence.push_back(
        dns.says("the resolver library: " + dns->detail.value_or("no answer in " + words(dns->duration))));
  }
  return finding.dependants.empty() ? std::vector<Finding>{} : std::vector{finding};
}

// Without a truncated answer nothing needs TCP, and many small servers do without: then it is a note.
std::vector<Finding> tcp_is_blocked(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& server : evidence.servers) {
    if (server.udp_answered == 0 || server.tcp_asked == 0 || server.tcp_answered > 0) continue;
    // For a name about which it is silent over UDP as well, its silence over TCP says nothing about TCP.
    const bool same_name = std::any_of(server.asked.begin(), server.asked.end(), [&](const Dns& tcp) {
      return tcp->transport == DnsTransport::tcp &&
             std::any_of(server.asked.begin(), server.asked.end(), [&](const Dns& udp) {
               return udp->transport == DnsTransport::udp && udp->name == tcp->name && got_through(*udp);
             });
    });
    if (!same_name) continue;
    Finding finding{.code = "dns.resolver.tcp_blocked", .subject = server.name(), .confidence = Confidence::proven};
    bool needed = false;
    for (const auto& dns : server.asked) {
      if (dns->transport == DnsTransport::tcp)
        finding.evidence.push_back(dns.says("TCP: " + dns->detail.value_or("no answer in " + words(dns->duration))));
      if (!dns->truncated) continue;
      needed = true;
      finding.evidence.push_back(dns.says("UDP: the answer for " + dns->name + " was cut short"));
      if (ends_at_dns(*dns.check)) finding.checks.push_back(dns.check->id);
    }
    if (finding.checks.empty()) {
      for (const auto& dns : server.asked)
        if (dns->transport == DnsTransport::tcp) add_once(finding.checks, dns.check->id);
      finding.warns = needed;
      finding.only_informs = !needed;
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

// True: whatever this server was asked, it never gave anything but this refusal.
bool says_nothing_else(const DnsServer& server, AnswerKind kind) {
  const auto refusal = kind == AnswerKind::refused ? DnsFailure::refused : DnsFailure::servfail;
  return std::all_of(server.asked.begin(), server.asked.end(),
                     [&](const Dns& dns) { return !got_through(*dns) || dns->error == refusal; });
}

// One failure among many names is an upstream that was busy for a moment; a broken server, or one without the zone,
// fails again and again. A refusal is a rule of that server.
bool fails_often(const DnsServer& server, AnswerKind kind) {
  if (kind == AnswerKind::refused || says_nothing_else(server, kind)) return true;
  std::set<std::string> asked, failed;
  for (const auto& dns : server.asked) {
    if (dns->question == "AAAA" || !got_through(*dns)) continue;
    asked.insert(dns->name);
    if (dns->error == DnsFailure::servfail) failed.insert(dns->name);
  }
  return failed.size() >= 2 && failed.size() * 4 >= asked.size();
}

// The answers of one check that are a failure, without the stubs that only repeat one.
std::vector<const Answer*> failures_in(const DnsView& view, const Report& report) {
  std::vector<const Answer*> failing;
  for (const auto* answer : view.own())
    if (answer->server && (answer->kind == AnswerKind::servfail || answer->kind == AnswerKind::refused))
      failing.push_back(answer);
  const auto stub = [&](const Answer* answer) { return is_stub(report, *answer->server); };
  if (!std::all_of(failing.begin(), failing.end(), stub)) std::erase_if(failing, stub);
  return failing;
}

// An address that a server gives this agent is of no use to programs that their library gives none.
bool programs_get_an_address(const DnsView& view, const Report& report) {
  const bool gave_up = view.libc && !view.libc->has_address() && view.libc->telling.seen &&
                       view.libc->telling->error == DnsFailure::libc_error;
  return view.any_address() && (!gave_up || answers_are_unsteady(report));
}

// A server's own check asks no stub: there, the other checks show whether programs ask one.
bool is_behind_a_working_stub(const DnsView& view, const Report& report) {
  if (!is_resolver_check(*view.check)) return asks_a_working_stub(report, view);
  return std::ranges::any_of(report.checks, [&](const Check& check) {
    return is_about_its_target(check) && asks_a_working_stub(report, view_dns(check));
  });
}

// SERVFAIL and REFUSED. A stub repeats its upstream's word, so the upstream is named where it was asked as well.
std::vector<Finding> resolver_fails(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const auto servers = evidence.servers;
  std::map<Endpoint, const Check*> own_checks;
  for (const DnsView& view : open_views(evidence)) {
    for (const auto* answer : failures_in(view, evidence.report)) {
      const bool refused = answer->kind == AnswerKind::refused;
      const bool others_answer =
          std::any_of(view.servers.begin(), view.servers.end(), [](const Answer& one) { return one.has_address(); });
      const auto server = std::find_if(servers.begin(), servers.end(),
                                       [&](const DnsServer& one) { return one.endpoint == *answer->server; });
      const auto [known, is_new] = own_checks.try_emplace(*answer->server);
      if (is_new) known->second = resolver_check(evidence.report, *answer->server);
      const auto* own_check = known->second;
      Finding finding{.code = refused ? "dns.resolver.refused" : "dns.resolver.servfail",
                      .subject = answer->source,
                      .confidence = refused || others_answer ? Confidence::proven : Confidence::likely,
                      .evidence = {answer->telling.says(answer->words())},
                      .values = {{"host", answer->telling->name}}};
      const bool hopeless = server != servers.end() && says_nothing_else(*server, answer->kind);
      // A server's own check beside another server that answers: names resolve, after a detour.
      const bool beside_another = own_check == view.check && library_resolves(evidence.report);
      if (programs_get_an_address(view, evidence.report) || beside_another) {
        const bool often = server == servers.end() || fails_often(*server, answer->kind);
        finding.only_informs = !often || is_behind_a_working_stub(view, evidence.report);
        finding.warns = !finding.only_informs;
        finding.checks = {own_check && hopeless ? own_check->id : view.check->id};
      } else if (own_check && hopeless && own_check != view.check) {
        finding.checks = {own_check->id};
        finding.dependants = {view.check->id};
      } else {
        finding.checks = {view.check->id};
      }
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

std::chrono::microseconds median(const DnsServer& server) {
  std::vector<std::chrono::microseconds> times;
  for (const auto& dns : server.asked)
    if (got_through(*dns)) times.push_back(dns->duration);
  if (times.size() < 3) return {};
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

std::vector<Finding> resolver_is_slow(const Evidenced& evidence) {
  using namespace std::chrono_literals;
  std::vector<Finding> findings;
  const auto servers = evidence.servers;
  for (const auto& slow : servers) {
    const auto time = median(slow);
    const auto faster = std::find_if(servers.begin(), servers.end(),
                                     [&](const DnsServer& one) { return median(one) > 0us && median(one) * 5 < time; });
    if (time < 500ms || faster == servers.end()) continue;
    const auto* own = resolver_check(evidence.report, slow.endpoint);
    const auto& first = slow.asked.front();
    findings.push_back({.code = "dns.resolver.slow",
                        .subject = slow.name(),
                        .confidence = Confidence::proven,
                        .checks = {own ? own->id : first.check->id},
                        .evidence = {first.says(fmt::format("median {} against {} of {}", words(time),
                                                            words(median(*faster)), faster->name()))},
                        .only_informs = true});
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> dns_rules() {
  static constexpr std::array rules{
      NamedRule{"no resolver", no_resolver},
      NamedRule{"resolver is unreachable", resolver_is_unreachable},
      NamedRule{"library gets no answer", library_gets_no_answer},
      NamedRule{"DNS over TCP is blocked", tcp_is_blocked},
      NamedRule{"resolver fails", resolver_fails},
      NamedRule{"resolver is slow", resolver_is_slow},
  };
  return rules;
}

}  // namespace vnetprobe
