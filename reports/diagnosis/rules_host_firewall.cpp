#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_servers.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

bool is_refused_by_the_kernel(const UdpObservation& udp) {
  return udp.error == UdpFailure::not_permitted && udp.errno_name == "EPERM";
}

// Datagrams that were sent to targets whose TCP works, as a control: a node that may send none at all is not silent
// over TCP for that. Absent: nobody tried.
std::optional<bool> control_datagram_passes(const Report& report) {
  for (const auto& check : report.checks)
    if (connected(check))
      for (const auto& udp : cited<UdpObservation>(check, Part::experiments)) return !is_refused_by_the_kernel(*udp);
  return std::nullopt;
}

struct Refusal {
  Evidence says;
  bool is_certain{};
};

// The kernel itself refuses to send: EPERM at once, SYNs that never left the node, or a datagram to the silent target
// that comes back with EPERM. The datagram only stands for SYNs of which nothing better is known, and for sure only
// where another one was let through.
std::optional<Refusal> refusal_to_send(const Check& check, const Report& report) {
  bool left = false;
  for (const auto& tcp : attempts(check, report)) {
    if (tcp->errno_name == "EPERM")
      return Refusal{tcp.says(fmt::format("{}: EPERM, the kernel refuses to send", to_string(tcp->remote))), true};
    if (tcp->send_refused)
      return Refusal{tcp.says(fmt::format("{}: SYNs were due again ({}), and none left the node",
                                          to_string(tcp->remote), tcp->retransmissions))};
    left = left || tcp->retransmissions > 0;
  }
  const auto control = control_datagram_passes(report);
  if (left || !control.value_or(true)) return std::nullopt;
  for (const auto& udp : cited<UdpObservation>(check, Part::experiments))
    if (is_refused_by_the_kernel(*udp))
      return Refusal{
          udp.says(fmt::format("a datagram to {}: EPERM, the kernel refuses to send", to_string(udp->remote))),
          control.has_value()};
  return std::nullopt;
}

// The rule itself, which root may read, for SYNs to public addresses that stayed without an answer.
std::optional<Evidence> rule_that_drops(const Check& check, const Report& report) {
  constexpr std::uint16_t ruled_port = 443;
  const auto tries = attempts(check, report);
  const bool silent = !tries.empty() && std::ranges::all_of(tries, [](const Cited<TcpObservation>& tcp) {
    return tcp->error == TcpFailure::timed_out && tcp->remote.port == ruled_port && is_public(tcp->remote.address);
  });
  const auto* own = silent ? check_named(report, "node.firewall") : nullptr;
  if (!own) return std::nullopt;
  for (const auto& host : cited<HostObservation>(*own))
    if (host->output_filter && host->output_filter->ruling == FilterRuling::drops)
      return host.says(fmt::format("{}: drops new connections to TCP {}", host->output_filter->rule, ruled_port));
  return std::nullopt;
}

Finding dropped(const Cited<DnsObservation>& question) {
  const auto server = to_string(*question->server);
  return {.code = "host.firewall.output_drop",
          .subject = server,
          .confidence = Confidence::proven,
          .evidence = {question.says(fmt::format("a question to {}: EPERM, the kernel refuses to send", server))}};
}

std::vector<Finding> questions_are_dropped(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& server : evidence.servers) {
    if (!server.stopped || server.stopped->by != StoppedBy::own_filter) continue;
    findings.push_back(dropped(server.stopped->question));
    add_victims_of(server, evidence, findings.back());
  }
  return findings;
}

// The kernel refuses some questions and lets others to the same server pass, as with a limit on their rate.
std::vector<Finding> questions_are_limited(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!ends_at_dns(*check) || is_resolver_check(*check)) continue;
    const auto asked = cited<DnsObservation>(*check);
    const auto refused = std::ranges::find_if(
        asked, [](const auto& dns) { return dns->server && dns->errno_name == "EPERM" && !dns->icmp; });
    const bool told = std::ranges::any_of(asked, [](const auto& dns) { return dns->question == "A" && dns->rcode; });
    if (refused == asked.end() || told) continue;
    const auto server = std::ranges::find(evidence.servers, *(*refused)->server, &DnsServer::endpoint);
    if (server == evidence.servers.end() || !server->answered()) continue;
    auto finding = dropped(*refused);
    finding.checks = {check->id};
    finding.values = {
        {"consequence", " Other questions to it get through: the rule may mind their rate or their size."}};
    findings.push_back(std::move(finding));
  }
  return findings;
}

// What the kernel refuses to send beside it. Alone, the metadata service may be hidden from all but root on purpose.
void add_what_else_stays_here(const Evidenced& evidence, Finding& finding) {
  for (const auto& imds : cited<ImdsObservation>(evidence.open)) {
    if (!imds->tcp || !could_not_send(*imds->tcp)) continue;
    finding.dependants.push_back(imds.check->id);
    finding.evidence.push_back(imds.says("what goes to the metadata service does not leave the node either"));
  }
  for (const auto& udp : cited<UdpObservation>(evidence.open)) {
    if (!is_refused_by_the_kernel(*udp)) continue;
    finding.dependants.push_back(udp.check->id);
    finding.evidence.push_back(udp.says(fmt::format("{}: EPERM for a datagram, too", to_string(udp->remote))));
  }
}

// Questions, targets, and what shares their fate: of one rule set, so the table makes one diagnosis of them.
std::vector<Finding> output_is_dropped(const Evidenced& evidence) {
  auto findings = questions_are_dropped(evidence);
  if (findings.empty()) findings = questions_are_limited(evidence);
  Finding finding{.code = "host.firewall.output_drop", .confidence = Confidence::likely};
  std::vector<std::string> targets;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    auto refusal = refusal_to_send(*check, evidence.report);
    if (auto rule = rule_that_drops(*check, evidence.report)) {
      add_once(finding.checks, rule->check);
      refusal = Refusal{std::move(*rule), true};
    }
    if (!refusal) continue;
    if (refusal->is_certain) finding.confidence = Confidence::proven;
    if (check->proxy) {
      const auto proxy = attempts(*check, evidence.report).front()->remote;
      add_once(targets, to_string(proxy));
      finding.values.push_back(consequence_for_proxy(proxy));
      if (check_named(evidence.report, "node.proxy")) add_once(finding.checks, "node.proxy");
    } else {
      add_once(targets, endpoint_of(*check));
    }
    finding.checks.push_back(check->id);
    finding.evidence.push_back(std::move(refusal->says));
  }
  if (!targets.empty()) {
    finding.subject = words(targets);
    add_what_else_stays_here(evidence, finding);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> host_firewall_rules() {
  static constexpr std::array rules{NamedRule{"output is dropped", output_is_dropped, About::way}};
  return rules;
}

}  // namespace vnetprobe
