#include "reports/diagnosis/dns_view.hpp"
#include "reports/diagnosis/rule.hpp"

#include <algorithm>
#include <array>

// Limits of the node itself that look like a network's fault (diagnosis-codes 1.8).
namespace vnetprobe {
namespace {

std::optional<Cited<HostObservation>> kernel_facts(const Report& report) {
  const auto host = host_fact(report, HostTopic::kernel);
  return host && (*host)->kernel ? host : std::nullopt;
}

bool is_full(const std::optional<std::uint64_t>& count, const std::optional<std::uint64_t>& most) {
  return count && most && *most > 0 && static_cast<double>(*count) > 0.95 * static_cast<double>(*most);
}

// The table drops what is new: connections time out, and the kernel refuses to send, as a firewall's rule would.
std::vector<Finding> connection_table_is_full(const Evidenced& evidence) {
  const auto host = kernel_facts(evidence.report);
  if (!host) return {};
  const KernelFacts& kernel = *(*host)->kernel;
  if (!is_full(kernel.connections_tracked, kernel.connections_tracked_at_most)) return {};
  Finding finding{.code = "host.conntrack_full", .subject = "nf_conntrack", .confidence = Confidence::proven};
  finding.evidence = {host->says(fmt::format("{} of {} entries of the connection table are taken",
                                             *kernel.connections_tracked, *kernel.connections_tracked_at_most))};
  for (const auto* check : evidence.open) {
    for (const auto& dns : cited<DnsObservation>(*check)) {
      const bool own = is_resolver_check(*check);
      if (dns->errno_name != "EPERM" || !(own || ends_at_dns(*check))) continue;
      (own ? finding.checks : finding.dependants).push_back(check->id);
      finding.evidence.push_back(dns.says("a question did not leave the node: EPERM"));
      break;
    }
    if (!ends_at_tcp(*check, evidence.report)) continue;
    for (const auto& tcp : attempts(*check, evidence.report)) {
      if (!could_not_send(*tcp)) continue;
      finding.checks.push_back(check->id);
      finding.evidence.push_back(tcp.says(to_string(tcp->remote) + ": the SYN did not leave the node"));
      break;
    }
  }
  // Full without a victim: the next connection is one.
  if (finding.checks.empty() && finding.dependants.empty()) {
    finding.checks = {host->check->id};
    finding.warns = true;
  }
  return {std::move(finding)};
}

bool no_descriptor(const std::optional<std::string>& errno_name) {
  return errno_name == "EMFILE" || errno_name == "ENFILE";
}

// Every connection that the check tried, whatever for.
std::vector<std::pair<int, const TcpObservation*>> connections_of(const Check& check) {
  std::vector<std::pair<int, const TcpObservation*>> all;
  for (const auto& tcp : cited<TcpObservation>(check)) all.emplace_back(tcp.index, tcp.seen);
  for (const auto& imds : cited<ImdsObservation>(check))
    if (imds->tcp) all.emplace_back(imds.index, &*imds->tcp);
  for (const auto& door : cited<WireserverObservation>(check)) all.emplace_back(door.index, &door->tcp);
  return all;
}

// EMFILE is this agent's own limit, ENFILE the whole node's.
std::vector<Finding> file_handles_are_used_up(const Evidenced& evidence) {
  Finding finding{.code = "host.fd_exhausted", .subject = "file handles", .confidence = Confidence::proven};
  Finding own{.code = "probe.self_inflicted", .subject = "EMFILE", .confidence = Confidence::proven};
  for (const auto* check : evidence.open) {
    for (const auto& [place, seen] : connections_of(*check)) {
      const Cited<TcpObservation> tcp{check, place, seen};
      if (!no_descriptor(tcp->errno_name)) continue;
      auto& of = tcp->errno_name == "ENFILE" ? finding : own;
      of.checks.push_back(check->id);
      of.evidence.push_back(
          tcp.says(fmt::format("{}: {}, no socket could be opened", to_string(tcp->remote), *tcp->errno_name)));
      break;
    }
  }
  if (const auto host = kernel_facts(evidence.report)) {
    const KernelFacts& kernel = *(*host)->kernel;
    if (is_full(kernel.files_open, kernel.files_open_at_most)) {
      finding.evidence.push_back(host->says(
          fmt::format("{} of {} file handles of the node are taken", *kernel.files_open, *kernel.files_open_at_most)));
      if (finding.checks.empty()) {
        finding.checks = {host->check->id};
        finding.warns = true;
      }
    }
  }
  std::vector<Finding> findings;
  for (auto* one : {&finding, &own})
    if (!one->checks.empty()) findings.push_back(std::move(*one));
  return findings;
}

// EADDRNOTAVAIL: the kernel has no port left to begin a connection at. (Of IPv6 it says so as well where there is no
// address.)
std::vector<Finding> local_ports_are_used_up(const Evidenced& evidence) {
  Finding finding{.code = "tcp.local_ports_exhausted", .subject = "this node", .confidence = Confidence::proven};
  for (const auto* check : evidence.open) {
    const auto all = connections_of(*check);
    const auto lacks_a_port = [](const auto& one) {
      return one.second->error == TcpFailure::no_local_address &&
             one.second->remote.address.find(':') == std::string::npos;
    };
    const auto first = std::ranges::find_if(all, lacks_a_port);
    const bool any = std::ranges::any_of(all, [](const auto& one) { return !one.second->error; });
    if (first == all.end() || any) continue;
    finding.checks.push_back(check->id);
    const Cited<TcpObservation> tcp{check, first->first, first->second};
    finding.evidence.push_back(tcp.says(fmt::format("{}: {}, there is no local port left", to_string(tcp->remote),
                                                    tcp->errno_name.value_or("no port"))));
  }
  return finding.checks.empty() ? std::vector<Finding>{} : std::vector{std::move(finding)};
}

bool waits_for_the_node(const Check& check) {
  return check.finished && std::ranges::any_of(cited<TcpObservation>(check),
                                               [](const auto& tcp) { return tcp->error == TcpFailure::timed_out; });
}

// Neither is a fault of the network, and neither proves that it caused one: they are told beside what failed.
std::vector<Finding> node_is_overloaded(const Evidenced& evidence) {
  constexpr std::uint64_t nearly_always = 90;  // percent of a minute
  const auto host = kernel_facts(evidence.report);
  if (!host) return {};
  const KernelFacts& kernel = *(*host)->kernel;
  std::vector<Finding> findings;
  const auto note = [&](const char* code, std::string says) {
    Finding finding{.code = code, .subject = "this node", .confidence = Confidence::proven, .only_informs = true};
    finding.checks = {host->check->id};
    finding.evidence = {host->says(std::move(says))};
    findings.push_back(std::move(finding));
  };
  const auto waits = [](const Check* check) { return waits_for_the_node(*check); };
  if (kernel.cpu_pressure && *kernel.cpu_pressure >= nearly_always && std::ranges::any_of(evidence.open, waits))
    note("host.cpu_starved",
         fmt::format("programs waited for a processor in {} % of the last minute", *kernel.cpu_pressure));
  const bool service_is_gone = std::ranges::any_of(evidence.report.checks, [](const Check& check) {
    const auto listens = cited<HostObservation>(check);
    return check.id.starts_with("inbound.") && !listens.empty() && listens.front()->listeners.empty();
  });
  if (kernel.oom_kills && *kernel.oom_kills > 0 && service_is_gone)
    note("host.oom_recent", fmt::format("the kernel has killed {} program{} for lack of memory since it was started",
                                        *kernel.oom_kills, *kernel.oom_kills == 1 ? "" : "s"));
  return findings;
}

// Azure's platform cannot manage the node then; its network may be as it should. Elsewhere the package has nothing to
// do.
std::vector<Finding> an_agent_is_not_running(const Evidenced& evidence) {
  const auto host = host_fact(evidence.report, HostTopic::agents);
  if (!host || !(*host)->agents || !platform_is_owed(evidence.report)) return {};
  std::vector<Finding> findings;
  for (const auto& agent : (*host)->agents->units) {
    if (agent.running.value_or(true)) continue;
    Finding finding{.code = "host.agent_not_running",
                    .subject = agent.unit.substr(0, agent.unit.find('.')),
                    .confidence = Confidence::proven};
    finding.checks = {host->check->id};
    finding.warns = true;
    finding.evidence = {
        host->says(fmt::format("{} is enabled ({}), and none of its processes runs", agent.unit, agent.enabled_by))};
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Started by systemd again and again, and just now once more.
std::vector<Finding> an_agent_keeps_restarting(const Evidenced& evidence) {
  constexpr std::uint64_t often = 3, lately = 15 * 60;
  const auto host = host_fact(evidence.report, HostTopic::agents);
  if (!host || !(*host)->agents || !platform_is_owed(evidence.report)) return {};
  std::vector<Finding> findings;
  for (const auto& agent : (*host)->agents->units) {
    if (agent.restarts.value_or(0) < often || agent.running_seconds.value_or(lately) >= lately) continue;
    Finding finding{.code = "host.agent_restarting",
                    .subject = agent.unit.substr(0, agent.unit.find('.')),
                    .confidence = Confidence::proven};
    finding.checks = {host->check->id};
    finding.warns = true;
    finding.evidence = {host->says(fmt::format("systemd has restarted {} {} times, the last time {} seconds ago",
                                               agent.unit, *agent.restarts, *agent.running_seconds))};
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> host_limit_rules() {
  static constexpr std::array rules{NamedRule{"connection table is full", connection_table_is_full, About::way},
                                    NamedRule{"file handles are used up", file_handles_are_used_up},
                                    NamedRule{"local ports are used up", local_ports_are_used_up, About::way},
                                    NamedRule{"node is overloaded", node_is_overloaded},
                                    NamedRule{"an agent of Azure is not running", an_agent_is_not_running},
                                    NamedRule{"an agent of Azure keeps restarting", an_agent_keeps_restarting}};
  return rules;
}

}  // namespace vnetprobe
