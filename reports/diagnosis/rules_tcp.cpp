#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/experiments.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;

// For every open check without a connection: the first attempt that `fits` explains it.
template <class Fits, class Tell>
std::vector<Finding> for_each_dead_check(const Evidenced& evidence, Fits fits, Tell tell) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    for (const auto& tcp : attempts(*check, evidence.report)) {
      if (!fits(tcp)) continue;
      Finding finding = tell(tcp);
      finding.checks = {check->id};
      finding.values.emplace_back("address", tcp->remote.address);
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

std::string subject_of(const Tcp& tcp) {
  return tcp.check->target.host.empty() ? to_string(tcp->remote) : endpoint_of(*tcp.check);
}

std::string failed_with(const Tcp& tcp) {
  return fmt::format("{}: {} after {}", to_string(tcp->remote), tcp->errno_name.value_or("failed"),
                     words(tcp->duration));
}

// The node tells itself "host unreachable" for a neighbour that does not answer too, after three seconds of asking for
// it. At once, or with the neighbour known, it is a rule that says so.
bool is_own_rejection(const TcpObservation& tcp) {
  if (!tcp.icmp || !tcp.icmp->offender_is_self) return false;
  if (tcp.error == TcpFailure::refused || rejects(*tcp.icmp, is_v6(tcp.remote.address))) return true;
  const bool asked_for = !tcp.neighbour || tcp.neighbour->state == "FAILED" || tcp.neighbour->state == "INCOMPLETE";
  return tcp.error && tcp.error != TcpFailure::timed_out && !asked_for && tcp.duration < std::chrono::seconds(1);
}

// The refusal came by ICMP from this machine, for a target that is elsewhere.
std::vector<Finding> local_firewall_rejects(const Evidenced& evidence) {
  return for_each_dead_check(
      evidence,
      [&](const Tcp& tcp) { return is_own_rejection(*tcp) && !is_at_home(evidence.report, tcp->remote.address); },
      [](const Tcp& tcp) {
        return Finding{
            .code = "tcp.refused_locally",
            .subject = subject_of(tcp),
            .confidence = Confidence::proven,
            .evidence = {tcp.says(fmt::format("{} and ICMP {}/{} from this node's own address {}", failed_with(tcp),
                                              tcp->icmp->type, tcp->icmp->code, tcp->icmp->offender))}};
      });
}

std::vector<Finding> device_rejects(const Evidenced& evidence) {
  return for_each_dead_check(
      evidence,
      [](const Tcp& tcp) { return tcp->icmp && who_rejects(*tcp->icmp, tcp->remote.address) == Rejecter::device; },
      [](const Tcp& tcp) {
        return Finding{.code = "tcp.refused_by_middlebox",
                       .subject = tcp->icmp->offender,
                       .confidence = Confidence::proven,
                       .evidence = {tcp.says(fmt::format("{} and ICMP {}/{} from {}", failed_with(tcp), tcp->icmp->type,
                                                         tcp->icmp->code, tcp->icmp->offender))},
                       .values = {{"target", subject_of(tcp)}}};
      });
}

bool any_public_answers(const Report& report) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(report)))
    if (is_public(meant_address(tcp)) && !tcp->error) return true;
  return false;
}

// A reset in the name of the sign-in service, while other public targets answer: there is always somebody who listens,
// so the reset is another's, and what matters is who cannot be reached (diagnosis-codes 1.6).
bool sign_in_is_refused(const Tcp& tcp, const Report& report) {
  return tcp.check->target.service == Service::entra && !tcp->icmp && !tcp->instead_of &&
         is_public(tcp->remote.address) && any_public_answers(report);
}

bool is_reset_for_microsoft(const Tcp& tcp) {
  return tcp->error == TcpFailure::refused && !tcp->icmp && !tcp->instead_of && is_public(tcp->remote.address) &&
         is_microsoft(tcp.check->target.service);
}

// None of Microsoft's services refuses HTTPS. Where several of them do, each at an address of its own, somebody on the
// way does so in their names.
std::vector<Finding> one_device_resets_many(const Evidenced& evidence) {
  std::set<Service> services;
  std::set<std::string> addresses;
  auto findings = for_each_dead_check(evidence, is_reset_for_microsoft, [&](const Tcp& tcp) {
    if (tcp->remote.port == 443) {
      services.insert(tcp.check->target.service);
      addresses.insert(tcp->remote.address);
    }
    return Finding{.code = "tcp.refused_by_middlebox",
                   .subject = "between this node and the internet",
                   .confidence = Confidence::likely,
                   .evidence = {tcp.says(failed_with(tcp) + " by a TCP reset")},
                   .alternatives = {"this node's own firewall answers with resets"},
                   .values = {{"target", "services of Microsoft, which all listen there"},
                              {"sign", "A reset in the targets' names"}}};
  });
  return services.size() > 1 && addresses.size() > 1 ? findings : std::vector<Finding>{};
}

// By a reset, or by ICMP in its own name. A router's or this node's own "unreachable" is no refusal.
bool is_refused_by_host(const Tcp& tcp) {
  const bool in_its_name = tcp->icmp && who_rejects(*tcp->icmp, tcp->remote.address) == Rejecter::target;
  return tcp->error == TcpFailure::refused || in_its_name;
}

std::vector<Finding> host_refuses(const Evidenced& evidence) {
  return for_each_dead_check(evidence, is_refused_by_host, [&](const Tcp& tcp) {
    const auto by = tcp->icmp ? "ICMP from " + tcp->icmp->offender : std::string("a TCP reset");
    const bool sign_in = sign_in_is_refused(tcp, evidence.report);
    return Finding{.code = sign_in ? "entra.unreachable" : "tcp.refused_by_host",
                   .subject = sign_in ? tcp.check->target.host : subject_of(tcp),
                   .confidence = sign_in ? Confidence::proven : Confidence::likely,
                   .evidence = {tcp.says(failed_with(tcp) + " by " + by)}};
  });
}

std::vector<Finding> connection_is_reset(const Evidenced& evidence) {
  return for_each_dead_check(
      evidence, [](const Tcp& tcp) { return tcp->error == TcpFailure::reset; },
      [](const Tcp& tcp) {
        return Finding{.code = "tcp.reset_midstream",
                       .subject = subject_of(tcp),
                       .confidence = Confidence::possible,
                       .evidence = {tcp.says(failed_with(tcp))}};
      });
}

// Silence after every local cause is excluded. An absent neighbour on the same link is silence as well.
bool is_silence(const Tcp& tcp) {
  const bool on_link = tcp->error == TcpFailure::host_unreachable && (!tcp->icmp || tcp->icmp->offender_is_self);
  return tcp.check->finished && (tcp->error == TcpFailure::timed_out || on_link);
}

struct Tag {
  std::set<std::string> silent;  // hosts
  bool answers{};
};

std::map<std::string, Tag> tags_of(const Report& report) {
  std::map<std::string, Tag> tags;
  for (const auto& check : report.checks) {
    if (!check.target.service_tag) continue;
    auto& tag = tags[*check.target.service_tag];
    tag.answers = tag.answers || connected(check);
    if (ends_at_tcp(check, report)) tag.silent.insert(check.target.host);
  }
  return tags;
}

bool any_answers(const Report& report, Service service) {
  return std::any_of(report.checks.begin(), report.checks.end(),
                     [&](const Check& check) { return check.target.service == service && connected(check); });
}

struct Others {
  bool any_public{}, registry_login{};  // what else connects in this run
};

// Plain silence says nothing about its cause, but for some hosts everything about its consequence. There the service's
// own code says more than tcp.timeout, given that something else answers; where TCP, TLS or ICMP name a cause, that
// cause has been given before this rule is asked (diagnosis-codes: the more specific code that the evidence supports
// wins).
std::string code_for_silence(const Check& check, const Others& others_of) {
  const auto service = check.target.service;
  const bool others = others_of.any_public;
  if (service == Service::batch && others) return "batch.endpoint_unreachable";
  if (service == Service::entra && others) return "entra.unreachable";
  if (service == Service::container_registry_data && others_of.registry_login) return "acr.data_endpoint_unreachable";
  return "tcp.timeout";
}

// Of further connections to the very same address some are made: no rule about addresses and ports does that.
std::optional<Evidence> answers_now_and_then(const Tcp& silent) {
  const auto further = further_connections(*silent.check, silent->remote);
  if (!further.one) return std::nullopt;
  return further.one->says(fmt::format("{} of {} further connections were made", further.made, further.tried));
}

// The SYNs did leave this node, again and again, and other public targets answer: who drops them is outside.
bool dropped_outside(const Tcp& tcp, const Others& others) {
  return others.any_public && !answers_now_and_then(tcp) && is_public(tcp->remote.address) && !tcp->instead_of &&
         tcp->error == TcpFailure::timed_out && tcp->retransmissions > 0 && !tcp->send_refused;
}

Confidence confidence_in(const std::string& code) {
  if (code == "entra.unreachable" || code == "acr.data_endpoint_unreachable") return Confidence::proven;
  return code == "batch.endpoint_unreachable" || code == "tcp.dropped_remote" ? Confidence::likely
                                                                              : Confidence::possible;
}

// How far packets to a silent target come, where hops on the way say so.
std::optional<Evidence> last_hop_seen(const Check& check, const Endpoint& remote) {
  for (const auto& path : cited<PathObservation>(check, Part::experiments)) {
    if (path->packet != PathPacket::syn || path->remote != remote || path->reached_at) continue;
    for (auto hop = path->hops.rbegin(); hop != path->hops.rend(); ++hop)
      if (hop->address)
        return path.says(fmt::format("the last hop that is seen on the way is {} at {}", *hop->address, hop->ttl));
  }
  return std::nullopt;
}

// A machine's share of an outbound rule may be as few as 32 ports to one destination (azure-facts 9.5).
std::optional<int> many_sockets_beside(const Tcp& silent) {
  constexpr int many = 32;
  for (const auto& tcp : cited<TcpObservation>(*silent.check, Part::experiments))
    if (tcp->remote == silent->remote && tcp->sockets_beside.value_or(0) >= many) return tcp->sockets_beside;
  return std::nullopt;
}

// A lossy network still works, so a loss is never more than a note; all of a run's losses are one.
Finding a_loss(const Tcp& tcp) {
  return {.code = "tcp.loss",
          .subject = "several targets",
          .confidence = Confidence::likely,
          .checks = {tcp.check->id},
          .evidence = {tcp.says(fmt::format("no answer from {} in {}, while other connections lose packets as well",
                                            to_string(tcp->remote), words(tcp->duration)))},
          .only_informs = true};
}

std::vector<Finding> nothing_answers(const Evidenced& evidence) {
  const auto tags = tags_of(evidence.report);
  const Others others{.any_public = any_public_answers(evidence.report),
                      .registry_login = any_answers(evidence.report, Service::container_registry)};
  return for_each_dead_check(evidence, is_silence, [&](const Tcp& tcp) {
    const auto& check = *tcp.check;
    if (was_only_lost(evidence.report.checks, tcp)) return a_loss(tcp);
    Finding finding{
        .code = code_for_silence(check, others),
        // Of the sign-in service both ports are one matter.
        .subject = check.target.service == Service::entra ? check.target.host : subject_of(tcp),
        .evidence = {tcp.says(fmt::format("no answer from {} in {}", to_string(tcp->remote), words(tcp->duration)))}};
    if (finding.code == "tcp.timeout" && dropped_outside(tcp, others)) finding.code = "tcp.dropped_remote";
    finding.confidence = confidence_in(finding.code);
    if (tcp->neighbour && tcp->neighbour->gateway == tcp->remote.address && tcp->error == TcpFailure::host_unreachable)
      finding.evidence.push_back(
          tcp.says(fmt::format("{} is on this node's own link, and its neighbour entry is {}: "
                               "no machine there has the address",
                               tcp->remote.address, tcp->neighbour->state)));
    if (const auto seen = last_hop_seen(check, tcp->remote)) finding.evidence.push_back(*seen);
    if (const auto now_and_then = answers_now_and_then(tcp)) {
      finding.evidence.push_back(*now_and_then);
      finding.code = many_sockets_beside(tcp) && others.any_public ? "tcp.snat_exhausted" : "tcp.timeout";
      finding.confidence = Confidence::possible;
      if (finding.code == "tcp.snat_exhausted")
        finding.evidence.push_back(tcp.says(fmt::format("this node has {} other connections to {}",
                                                        *many_sockets_beside(tcp), to_string(tcp->remote))));
    }
    // The whole tag is silent: one rule about the tag, not as many as it has hosts.
    const bool plain = finding.code == "tcp.timeout" || finding.code == "tcp.dropped_remote";
    if (plain && check.target.service_tag) {
      const auto& tag = tags.at(*check.target.service_tag);
      if (!tag.answers && tag.silent.size() > 1) finding.subject = *check.target.service_tag;
    }
    return finding;
  });
}

std::vector<Finding> connection_fails_somehow(const Evidenced& evidence) {
  return for_each_dead_check(
      evidence,
      [&](const Tcp& tcp) { return tcp.check->finished && tcp->error && !was_only_lost(evidence.report.checks, tcp); },
      [](const Tcp& tcp) {
        return Finding{.code = "tcp.timeout",
                       .subject = subject_of(tcp),
                       .confidence = Confidence::possible,
                       .evidence = {tcp.says(failed_with(tcp))}};
      });
}

// The check passes by another address. A second IPv6 address is not judged here: see ipv6.broken.
std::vector<Finding> one_address_does_not_answer(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!connected(*check)) continue;
    for (const auto& tcp : attempts(*check, evidence.report)) {
      if (!is_silence(tcp) || is_v6(tcp->remote.address)) continue;
      const bool once = further_connections(*check, tcp->remote).tried == 0;
      if (was_only_lost(evidence.report.checks, tcp) || (once && path_is_lossy(evidence.report.checks))) {
        findings.push_back(a_loss(tcp));
        continue;
      }
      findings.push_back(
          {.code = "tcp.timeout",
           .subject = to_string(tcp->remote),
           .confidence = Confidence::possible,
           .checks = {check->id},
           .evidence = {tcp.says(fmt::format("one address of {} does not answer: {}, for {}", check->target.host,
                                             to_string(tcp->remote), words(tcp->duration)))},
           .warns = true});
    }
  }
  return findings;
}

// Retransmissions on a fifth of many connections.
std::vector<Finding> packets_get_lost(const Evidenced& evidence) {
  std::size_t connections = 0;
  Finding finding{
      .code = "tcp.loss", .subject = "several targets", .confidence = Confidence::likely, .only_informs = true};
  for (const auto& tcp : cited<TcpObservation>(evidence.open)) {
    if (tcp->error) continue;
    ++connections;
    if (tcp->retransmissions == 0) continue;
    add_once(finding.checks, tcp.check->id);
    finding.evidence.push_back(tcp.says(fmt::format("{} packets sent again", tcp->retransmissions)));
  }
  const bool much = connections >= 10 && finding.checks.size() * 5 >= connections;
  return much ? std::vector{finding} : std::vector<Finding>{};
}

// What was judged by a climb afresh. The last failure of the first attempt is what was lost.
std::vector<Finding> first_attempts_were_lost(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    std::optional<std::size_t> lost;
    for (std::size_t i = 0; i < check->observations.size(); ++i)
      if (was_first_attempt(check->observations[i]) && !is_ok(check->observations[i].seen)) lost = i;
    if (!lost) continue;
    const auto& seen = check->observations[*lost];
    findings.push_back({.code = "tcp.loss",
                        .subject = "several targets",
                        .confidence = Confidence::likely,
                        .checks = {check->id},
                        .evidence = {{.check = check->id,
                                      .observation = static_cast<int>(*lost),
                                      .says = fmt::format("the first attempt failed at its {} layer after {}, and the "
                                                          "next one came through",
                                                          layer_of(seen.seen), words(duration_of(seen.seen)))}},
                        .only_informs = true});
  }
  return findings;
}

// Path-MTU discovery at work: a narrower link on the way said so, and the kernel listened.
std::vector<Finding> segments_have_shrunk(const Evidenced& evidence) {
  Finding finding{.code = "mtu.reduced", .confidence = Confidence::proven, .only_informs = true};
  std::vector<std::string> hosts;
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report), Part::everything)) {
    if (!tcp->mss_after) continue;
    add_once(finding.checks, tcp.check->id);
    finding.evidence.push_back(tcp.says(
        fmt::format("segments to {} shrank from {} to {} bytes", to_string(tcp->remote), tcp->mss, *tcp->mss_after)));
    add_once(hosts, tcp.check->target.host);
  }
  finding.subject = words(hosts);
  return finding.checks.empty() ? std::vector<Finding>{} : std::vector{finding};
}

}  // namespace

std::span<const NamedRule> tcp_rules() {
  static constexpr std::array rules{
      NamedRule{"local firewall rejects", local_firewall_rejects},
      NamedRule{"device rejects", device_rejects},
      NamedRule{"one device resets many", one_device_resets_many},
      NamedRule{"host refuses", host_refuses},
      NamedRule{"connection is reset", connection_is_reset},
      NamedRule{"nothing answers", nothing_answers},
      NamedRule{"connection fails somehow", connection_fails_somehow},
      NamedRule{"one address does not answer", one_address_does_not_answer},
      NamedRule{"packets get lost", packets_get_lost},
      NamedRule{"first attempts were lost", first_attempts_were_lost},
      NamedRule{"segments have shrunk", segments_have_shrunk},
  };
  return rules;
}

}  // namespace vnetprobe
