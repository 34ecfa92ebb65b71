#include "reports/diagnosis/dns_servers.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>
#include <array>
#include <map>

// What stops questions before they arrive at a DNS server, where somebody says so by ICMP; what the kernel refuses to
// send is in rules_host_firewall.cpp. Silence, and a server's own "port unreachable", are the rules' about servers.
namespace vnetprobe {
namespace {

// One finding, without its code and subject yet, for each server whose questions are stopped so.
struct StoppedServer {
  Endpoint server;
  IcmpError icmp;
  Finding finding;
};
std::vector<StoppedServer> servers_stopped(StoppedBy by, const Evidenced& evidence) {
  std::vector<StoppedServer> all;
  for (const auto& server : evidence.servers) {
    if (!server.stopped || server.stopped->by != by) continue;
    const auto& dns = server.stopped->question;
    const auto over = dns->transport == DnsTransport::tcp ? "TCP" : "UDP";
    Finding finding{.confidence = Confidence::proven,
                    .evidence = {dns.says(fmt::format(
                        "a question to {} over {}: {}, ICMP {}/{} from {}{}", to_string(server.endpoint), over,
                        dns->errno_name.value_or("refused"), dns->icmp->type, dns->icmp->code, dns->icmp->offender,
                        dns->icmp->offender_is_self ? ", this node's own address" : ""))}};
    add_victims_of(server, evidence, finding);
    all.push_back({.server = server.endpoint, .icmp = *dns->icmp, .finding = std::move(finding)});
  }
  return all;
}

std::vector<Finding> own_firewall_rejects_questions(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (auto& [server, icmp, finding] : servers_stopped(StoppedBy::own_rejection, evidence)) {
    finding.code = "tcp.refused_locally";
    finding.subject = to_string(server);
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Who says so. A warning is a diagnosis of its own beside the failures that the same device makes.
std::string subject_of(const IcmpError& icmp, const Endpoint& server, const Finding& finding) {
  return finding.warns ? fmt::format("{} on the way to {}", icmp.offender, to_string(server)) : icmp.offender;
}

bool rejects_connections_too(const std::string& device, const Report& report) {
  return std::ranges::any_of(cited<TcpObservation>(all_checks(report)), [&](const auto& tcp) {
    return tcp->icmp && tcp->icmp->offender == device &&
           who_rejects(*tcp->icmp, tcp->remote.address) == Rejecter::device;
  });
}

std::vector<Finding> device_rejects_questions(const Evidenced& evidence) {
  auto all = servers_stopped(StoppedBy::device, evidence);
  std::map<std::string, std::vector<std::string>> servers_behind;  // by the finding's subject
  for (auto& [server, icmp, finding] : all) {
    finding.code = "tcp.refused_by_middlebox";
    finding.subject = subject_of(icmp, server, finding);
    servers_behind[finding.subject].push_back(to_string(server));
  }
  std::vector<Finding> findings;
  for (auto& [server, icmp, finding] : all) {
    const auto servers = words(servers_behind[finding.subject]);
    const bool more = !finding.warns && rejects_connections_too(icmp.offender, evidence.report);
    finding.values.insert(
        finding.values.end(),
        {{"what", (more ? "this node's traffic, questions to the DNS server " : "questions to the DNS server ") +
                      servers + (more ? " among it" : "")},
         {"allowed",
          more ? "UDP and TCP 53 (and what else this diagnosis explains)" : fmt::format("UDP and TCP {}", server.port)},
         {"port", std::to_string(server.port)},
         {"host", server.address},
         {"target", servers}});
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> no_route_to_server(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (auto& [server, icmp, finding] : servers_stopped(StoppedBy::router, evidence)) {
    finding.code = "route.unreachable_reported";
    finding.subject = subject_of(icmp, server, finding);
    finding.values.emplace_back("address", server.address);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> dns_way_rules() {
  static constexpr std::array rules{
      NamedRule{"own firewall rejects questions", own_firewall_rejects_questions, About::way},
      NamedRule{"device rejects questions", device_rejects_questions, About::way},
      NamedRule{"no route to a DNS server", no_route_to_server, About::way},
  };
  return rules;
}

}  // namespace vnetprobe
