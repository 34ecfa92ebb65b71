#pragma once

#include "reports/diagnosis/codes.hpp"
#include "reports/model/report.hpp"

#include <fmt/format.h>

#include <string_view>
#include <unordered_set>

namespace vnetprobe {

struct DnsServer;
struct DnsView;

// What one rule found. Findings of the same code and subject become one diagnosis (diagnosis-codes, rule 7).
struct Finding {
  std::string code;
  std::string
      subject;  // what is broken: the resolver, the zone, the endpoint, the issuer. Part of the diagnosis's identity
  Confidence confidence{Confidence::possible};
  std::vector<std::string> checks;      // explained by it: they fail
  std::vector<std::string> dependants;  // could not be decided because of it: they become skip with reason = code.
                                        // Without `checks` (no prerequisite in the plan) they are what fails
  std::vector<Evidence> evidence;
  std::vector<std::string> alternatives;                    // in addition to the table's
  std::vector<std::pair<std::string, std::string>> values;  // {name} -> value in the table's title, explanation, fix
  std::optional<Severity> severity;                         // absent: from the checks' strength (rule 6)
  bool only_informs{};                                      // severity info; verdicts of its checks stay
  bool warns{};  // its checks that would pass become warn; a later rule may still explain a failure of theirs
};

// A rule reads the whole report's evidence and returns what it finds; `taken` are the checks that an earlier rule
// already explained. The order of rules_in_order() is the decision order (diagnosis-codes 1.10): local causes first,
// then DNS, routing, TCP, proxy, TLS, HTTP, services, WebSocket. A rule never explains a taken check again.
struct Evidenced {
  const Report& report;
  std::vector<const Check*> open;  // checks with observations that no earlier rule explained, in plan order
  std::unordered_set<std::string_view> lost_on_the_way{};  // ids of those in `open` that About::name adds
  std::span<const DnsView> views{};      // what each source said to each check, in plan order (dns_view.hpp)
  std::span<const DnsServer> servers{};  // over the whole run, in the order asked (dns_servers.hpp)

  // Whether the check's connections say something about their end: an earlier rule did not find the way there dead.
  bool arrives(const Check& check) const { return !lost_on_the_way.contains(check.id); }
};
using Rule = std::vector<Finding> (*)(const Evidenced& evidence);

// What a rule is about, where that lets two faults of one check be told: the way of its packets, and what its name
// leads to. A name that leads elsewhere than it should does so on a dead way too, so a rule about names sees, beside
// the open checks, those with an address that a rule about the way explained.
enum class About { anything, way, name };

struct NamedRule {
  std::string_view name;
  Rule rule;
  About about{About::anything};
};
std::span<const NamedRule> rules_in_order();

// The parts of the table, one file each.
std::span<const NamedRule> host_rules();  // rules_host.cpp: os, disk, CA store, interfaces, docker bridge, listeners
std::span<const NamedRule> host_limit_rules();        // rules_host_limits.cpp: connection table, file handles, load
std::span<const NamedRule> route_rules();             // rules_route.cpp
std::span<const NamedRule> ipv6_rules();              // rules_ipv6.cpp
std::span<const NamedRule> host_firewall_rules();     // rules_host_firewall.cpp: the kernel refuses to send
std::span<const NamedRule> dns_way_rules();           // rules_dns_way.cpp: who stops questions on their way
std::span<const NamedRule> dns_azure_rules();         // rules_dns_azure.cpp: its limit, and what a lease tells
std::span<const NamedRule> dns_control_rules();       // rules_control.cpp: who answers where nobody can be
std::span<const NamedRule> tcp_control_rules();       // the same, for TCP
std::span<const NamedRule> experiment_rules();        // rules_experiments.cpp: what only a follow-up separates
std::span<const NamedRule> service_tag_rules();       // rules_service_tag.cpp
std::span<const NamedRule> outbound_rules();          // rules_outbound.cpp: nothing public answers
std::span<const NamedRule> dns_rules();               // rules_dns.cpp
std::span<const NamedRule> dns_source_rules();        // rules_dns_sources.cpp: two sources that contradict each other
std::span<const NamedRule> dns_record_rules();        // rules_dns_records.cpp: what the servers say about one name
std::span<const NamedRule> private_endpoint_rules();  // rules_private_endpoint.cpp
std::span<const NamedRule> tcp_rules();               // rules_tcp.cpp
std::span<const NamedRule> udp_rules();               // rules_udp.cpp
std::span<const NamedRule> proxy_rules();             // rules_proxy.cpp
std::span<const NamedRule> clock_rules();             // rules_clock.cpp
std::span<const NamedRule> tls_rules();               // rules_tls.cpp
std::span<const NamedRule> http_filter_rules();       // rules_http_filters.cpp: what a middlebox minds in a request
std::span<const NamedRule> http_rules();              // rules_http.cpp: middleboxes and generic answers
std::span<const NamedRule> service_rules();      // rules_service.cpp: storage, key vault, registry, aml, entra, batch
std::span<const NamedRule> websocket_rules();    // rules_websocket.cpp
std::span<const NamedRule> azure_local_rules();  // rules_azure_local.cpp: imds, wireserver
std::span<const NamedRule> last_rules();         // rules_unexplained.cpp: what no other rule explains

// What a healthy answer looked like, for a check that no rule explains: pass (or inconclusive) with its one-line
// reason.
struct Outcome {
  Verdict verdict{};
  std::string reason;
};
Outcome outcome_without_finding(const Check& check, const Report& report);

}  // namespace vnetprobe
