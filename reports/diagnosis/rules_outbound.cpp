#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/cited.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace vnetprobe {
namespace {

bool uses_proxy(const Report& report) {
  return std::any_of(report.node.proxy.begin(), report.node.proxy.end(), [](const ProxySetting& setting) {
    return setting.variable != "no_proxy" && !setting.value.empty();
  });
}

bool answered(const TcpObservation& tcp) {
  return !tcp.error || tcp.error == TcpFailure::refused || tcp.error == TcpFailure::reset;
}

// Names resolve, or a private address answers: the node's own network lives.
bool private_side_lives(const Report& report) {
  for (const auto& dns : cited<DnsObservation>(all_checks(report)))
    if (dns->server && (!dns->error || dns->error == DnsFailure::nxdomain)) return true;
  for (const auto& tcp : cited<TcpObservation>(all_checks(report)))
    if (is_private(meant_address(tcp)) && answered(*tcp)) return true;
  return false;
}

// A proxy that this run does not use was tried for a silent target, and opened a tunnel.
std::optional<Cited<ProxyObservation>> works_through_a_proxy(const Report& report) {
  for (const auto& tunnel : cited<ProxyObservation>(all_checks(report), Part::experiments))
    if (!tunnel->error && !tunnel.check->proxy) return tunnel;
  return std::nullopt;
}

bool something_public_speaks(const Report& report) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(report)))
    if (is_public(meant_address(tcp)) && (answered(*tcp) || tcp->icmp)) return true;
  for (const auto& tcp : cited<TcpObservation>(all_checks(report), Part::experiments))
    if (is_public(meant_address(tcp)) && answered(*tcp)) return true;
  return false;
}

// After a while of silence the router before a dead appliance says that it does not find it.
std::optional<Evidence> word_of_a_router(const Report& report) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(report), Part::experiments))
    if (is_public(meant_address(tcp)) && tcp->icmp && !tcp->icmp->offender_is_self)
      return tcp.says(fmt::format("{} reports later that it cannot reach what is behind it (ICMP {}/{})",
                                  tcp->icmp->offender, tcp->icmp->type, tcp->icmp->code));
  return std::nullopt;
}

// One silent host is that host's matter. Two different public ones and none that answers is the way out.
std::vector<Finding> nothing_public_answers(const Evidenced& evidence) {
  if (something_public_speaks(evidence.report)) return {};
  Finding finding{.subject = "the internet", .confidence = Confidence::likely};
  std::set<std::string> hosts, addresses;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report) || !check->finished) continue;
    const auto tried = attempts(*check, evidence.report);
    const bool silent = std::all_of(tried.begin(), tried.end(), [](const auto& tcp) {
      return tcp->error == TcpFailure::timed_out && is_public(meant_address(tcp));
    });
    if (!silent) continue;
    hosts.insert(check->target.host);
    for (const auto& tcp : tried) addresses.insert(meant_address(tcp));
    finding.checks.push_back(check->id);
    finding.evidence.push_back(tried.front().says(
        fmt::format("no answer from {} in {}", to_string(tried.front()->remote), words(tried.front()->duration))));
  }
  if (hosts.size() < 2 || addresses.size() < 2) return {};
  if (const auto tunnel = works_through_a_proxy(evidence.report)) {
    finding.code = "proxy.required";
    finding.confidence = Confidence::proven;
    finding.values = {{"proxy", (*tunnel)->proxy}};
    finding.evidence.insert(
        finding.evidence.begin(),
        tunnel->says(fmt::format("{} reaches {}, which is silent directly", (*tunnel)->proxy, (*tunnel)->target)));
    return {finding};
  }
  if (auto word = word_of_a_router(evidence.report)) finding.evidence.insert(finding.evidence.begin(), *word);
  const bool private_side = private_side_lives(evidence.report);
  finding.code = private_side && !uses_proxy(evidence.report) ? "route.no_internet_outbound" : "tcp.dropped_all_public";
  if (private_side)
    finding.values = {{"beside",
                       "DNS or private addresses work, and this node has a proxy: the network may let nothing "
                       "but that proxy out."}};
  return {finding};
}

// The key vault says whom it sees (azure-facts 4.2), the platform which addresses are this node's: another one belongs
// to an appliance or to a NAT gateway. It is a way out that works.
std::vector<Finding> leaves_through_an_appliance(const Evidenced& evidence) {
  std::set<std::string> own;
  for (const auto& imds : cited<ImdsObservation>(all_checks(evidence.report)))
    own.insert(imds->public_addresses.begin(), imds->public_addresses.end());
  if (own.empty()) return {};
  for (const auto& answer : answers_of(all_checks(evidence.report))) {
    const auto* info = answer.header("x-ms-keyvault-network-info");
    const auto at = info ? info->find("addr=") : std::string::npos;
    if (at == std::string::npos) continue;
    const auto seen = info->substr(at + 5, info->find(';', at) - at - 5);
    if (!is_public(seen) || own.contains(seen)) continue;
    return {{.code = "route.forced_tunnel",
             .subject = seen,
             .confidence = Confidence::likely,
             .checks = {answer.check->id},
             .evidence = {answer.says(fmt::format("{} sees this node as {}, and the platform calls it {}",
                                                  answer.check->target.host, seen, *own.begin()))},
             .values = {{"address", seen}},
             .only_informs = true}};
  }
  return {};
}

}  // namespace

std::span<const NamedRule> outbound_rules() {
  static constexpr std::array rules{NamedRule{"nothing public answers", nothing_public_answers},
                                    NamedRule{"leaves through an appliance", leaves_through_an_appliance}};
  return rules;
}

}  // namespace vnetprobe
