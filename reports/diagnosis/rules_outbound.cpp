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

// A proxy that this run does not use was tried for a target, and opened a tunnel.
std::optional<Cited<ProxyObservation>> works_through_a_proxy(const std::vector<const Check*>& checks) {
  for (const auto& tunnel : cited<ProxyObservation>(checks, Part::experiments))
    if (!tunnel->error && !tunnel.check->proxy) return tunnel;
  return std::nullopt;
}

// Every public address of it is silent, or refuses, or somebody on the way says that it may not be reached.
bool is_stopped_on_its_direct_way(const Check& check, const Report& report) {
  if (!check.finished || check.proxy || !ends_at_tcp(check, report)) return false;
  const auto tried = attempts(check, report);
  return std::ranges::all_of(tried, [](const auto& tcp) {
    const bool stopped = tcp->error == TcpFailure::timed_out || answered(*tcp) || tcp->icmp;
    return stopped && !(tcp->icmp && tcp->icmp->offender_is_self) && is_public(meant_address(tcp));
  });
}

// The same target fails directly and works through the proxy. Where nothing public is reached directly, that is so for
// all of them; one tunnel speaks for the rest.
std::vector<Finding> only_the_proxy_gets_out(const Evidenced& evidence) {
  const auto tunnel = works_through_a_proxy(evidence.open);
  if (!tunnel) return {};
  const auto everything = cited<TcpObservation>(all_checks(evidence.report), Part::everything);
  const bool others_get_out =
      std::ranges::any_of(everything, [](const auto& tcp) { return is_public(meant_address(tcp)) && !tcp->error; });
  Finding finding{.code = "proxy.required",
                  .subject = others_get_out ? endpoint_of(*tunnel->check) : "the internet",
                  .confidence = Confidence::proven,
                  .values = {{"proxy", (*tunnel)->proxy}}};
  for (const auto* check : evidence.open) {
    if (others_get_out && check != tunnel->check) continue;
    if (!is_stopped_on_its_direct_way(*check, evidence.report)) continue;
    const auto tried = attempts(*check, evidence.report);
    finding.checks.push_back(check->id);
    finding.evidence.push_back(tried.front().says(
        fmt::format("directly, {}: {} after {}", to_string(tried.front()->remote),
                    tried.front()->errno_name.value_or("no answer"), words(tried.front()->duration))));
  }
  if (!contains(finding.checks, tunnel->check->id)) return {};
  finding.evidence.insert(finding.evidence.begin(), tunnel->says(fmt::format("{} reaches {}, which fails directly",
                                                                             (*tunnel)->proxy, (*tunnel)->target)));
  let_one_stand_for_all(evidence.report, finding);
  return {std::move(finding)};
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
  for (const auto* check : evidence.open)
    if (check->id == "egress.path") finding.dependants.push_back(check->id);
  let_one_stand_for_all(evidence.report, finding);
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
  static constexpr std::array rules{NamedRule{"only the proxy gets out", only_the_proxy_gets_out},
                                    NamedRule{"nothing public answers", nothing_public_answers},
                                    NamedRule{"leaves through an appliance", leaves_through_an_appliance}};
  return rules;
}

}  // namespace vnetprobe
