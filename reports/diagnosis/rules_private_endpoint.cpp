#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

// The privatelink name on the way to an answer, from whoever told the chain.
std::string privatelink_of(const DnsView& view, const Answer& used) {
  if (!used.privatelink_name().empty()) return used.privatelink_name();
  for (const auto& answer : view.servers)
    if (answer.kind == used.kind && !answer.privatelink_name().empty()) return answer.privatelink_name();
  return {};
}

// The public name leads into privatelink and ends there: a failure whether or not the plan knows of an endpoint.
std::vector<Finding> record_is_missing(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (view.any_address()) continue;
    for (const auto* answer : view.own()) {
      const bool ends_there = answer->exists_not() || answer->kind == AnswerKind::nodata;
      const auto name = answer->privatelink_name();
      if (!ends_there || name.empty()) continue;
      findings.push_back({.code = "private_endpoint.record_missing",
                          .subject = name,
                          .confidence = Confidence::likely,
                          .checks = {view.check->id},
                          .evidence = {answer->telling.says(answer->words())},
                          .values = {{"zone", zone_of(name)}, {"answered_by", answer->source}}});
      break;
    }
  }
  return findings;
}

// Notebooks, API and inference have addresses of their own on one workspace endpoint (azure-facts 2.1), so the
// configured address is compared for those names only that it is about.
bool may_compare(const Check& check) {
  return check.target.expected_address && check.target.service != Service::notebooks;
}

std::vector<Finding> instance_points_to_itself(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto* used = view.in_use();
    const bool instance = view.check->target.service == Service::instance || view.check->id.starts_with("instance.");
    if (!instance || !used) continue;
    for (const auto& address : used->addresses) {
      if (!is_own_address(evidence.report, address) || is_loopback(address)) continue;
      findings.push_back({.code = "private_endpoint.ci_points_to_self",
                          .subject = view.check->target.host,
                          .confidence = Confidence::proven,
                          .checks = {view.check->id},
                          .evidence = {used->telling.says(used->words() + ", an address of this node")},
                          .values = {{"address", address}}});
      break;
    }
  }
  return findings;
}

std::vector<Finding> address_is_not_the_endpoints(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto* used = view.in_use();
    if (!view.check->target.private_endpoint || !used || used->kind != AnswerKind::private_address) continue;
    const auto& expected = view.check->target.expected_address;
    const bool other = may_compare(*view.check) && !contains(used->addresses, *expected);
    const bool own = std::any_of(used->addresses.begin(), used->addresses.end(),
                                 [&](const std::string& address) { return is_own_address(evidence.report, address); });
    if (!other && !own) continue;
    findings.push_back(
        {.code = "private_endpoint.wrong_address",
         .subject = used->addresses.front(),  // the one record that several names lead to
         .confidence = Confidence::likely,
         .checks = {view.check->id},
         .evidence = {used->telling.says(used->words() +
                                         (own ? ", an address of this node" : ", expected " + *expected))},
         .values = {{"address", used->addresses.front()}, {"expected", expected.value_or("another address")}}});
  }
  return findings;
}

std::string second_label(const std::string& host) {
  const auto dot = host.find('.');
  return dot == std::string::npos ? host : first_label(host.substr(dot + 1));
}

// One account, some of its services private and others public, all of which ought to be private. A public answer behind
// a privatelink name is no missing endpoint: that one exists, and its zone is not seen (azure-facts 2.4).
std::vector<Finding> only_some_services_are_private(const Evidenced& evidence) {
  struct Account {
    std::vector<std::string> with, without, checks;
    std::vector<Evidence> evidence;
  };
  std::map<std::string, Account> accounts;
  for (const auto& check : evidence.report.checks) {
    if (!is_storage(check.target.service) || !check.target.private_endpoint) continue;
    const auto view = view_dns(check);
    const auto* used = view.in_use();
    if (!used) continue;
    auto& account = accounts[first_label(check.target.host)];
    if (used->kind == AnswerKind::private_address) {
      add_once(account.with, second_label(check.target.host));
      account.evidence.push_back(used->telling.says(used->words()));
    } else if (used->kind == AnswerKind::public_address && privatelink_of(view, *used).empty()) {
      add_once(account.without, second_label(check.target.host));
      account.checks.push_back(check.id);
      account.evidence.insert(account.evidence.begin(), used->telling.says(used->words()));
    }
  }
  std::vector<Finding> findings;
  for (auto& [name, account] : accounts) {
    if (account.with.empty() || account.without.empty()) continue;
    findings.push_back({.code = "private_endpoint.partial",
                        .subject = name,
                        .confidence = Confidence::proven,
                        .checks = account.checks,
                        .evidence = account.evidence,
                        .values = {{"private_services", words(account.with)},
                                   {"public_services", words(account.without)},
                                   {"missing_service", account.without.front()}}});
  }
  return findings;
}

// Public where the plan expects private. Behind a privatelink name the endpoint exists and the zone is not seen;
// without one there is no endpoint to be seen. Where the plan expects none, the public answer is healthy
// (azure-facts 2.4).
std::vector<Finding> answer_is_public(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto* used = view.in_use();
    if (!view.check->target.private_endpoint || !used || used->kind != AnswerKind::public_address) continue;
    const auto privatelink = privatelink_of(view, *used);
    Finding finding{.checks = {view.check->id},
                    .evidence = {used->telling.says(used->words())},
                    .values = {{"address", used->addresses.front()}, {"answered_by", used->source}}};
    for (const auto& answer : view.servers)
      if (&answer != used) finding.evidence.push_back(answer.telling.says(answer.words()));
    if (view.azure) finding.evidence.push_back(view.azure->telling.says(view.azure->words()));
    if (privatelink.empty()) {
      finding.code = "private_endpoint.expected_private_got_public";
      finding.subject = view.check->target.host;
      finding.confidence = Confidence::proven;
    } else {
      finding.code = "private_endpoint.zone_not_linked";
      finding.subject = zone_of(privatelink);
      finding.confidence = Confidence::likely;
      finding.values.emplace_back("zone", zone_of(privatelink));
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

// A neighbour on the same link that does not answer is as silent as a dropped packet: both are the endpoint's silence.
bool is_silent(const TcpObservation& tcp) {
  return tcp.error == TcpFailure::timed_out ||
         (tcp.error == TcpFailure::host_unreachable && (!tcp.icmp || tcp.icmp->offender_is_self));
}

std::string subnet_of(const std::string& address) { return network_of(address + (is_v6(address) ? "/64" : "/24")); }

// The subnets of private addresses in which something answers.
std::set<std::string> private_subnets_alive(const Report& report) {
  std::set<std::string> alive;
  for (const auto& check : report.checks)
    for (const auto& tcp : attempts(check, report))
      if (is_private(meant_address(tcp)) && tcp->error != TcpFailure::timed_out &&
          tcp->error != TcpFailure::host_unreachable)
        alive.insert(subnet_of(meant_address(tcp)));
  return alive;
}

std::vector<Finding> endpoint_is_unreachable(const Evidenced& evidence) {
  std::vector<Finding> findings;
  std::map<std::string, std::vector<std::string>> silent;  // subnet -> addresses; "": all of them
  for (const auto* check : evidence.open) {
    const auto tried = attempts(*check, evidence.report);
    if (!check->finished || !ends_at_tcp(*check, evidence.report)) continue;
    if (!std::all_of(tried.begin(), tried.end(), [](const auto& tcp) { return is_silent(*tcp); })) continue;
    if (was_only_lost(evidence.report.checks, tried.front())) continue;
    const auto address = meant_address(tried.front());
    const auto view = view_dns(*check);
    const auto* used = is_about_its_target(*check) ? view.in_use() : nullptr;
    // Elsewhere than where the name leads is a proxy, whose silence is its own.
    const bool target_itself = check->target.host == address || (used && contains(used->addresses, address));
    // A hosts line leads there past the DNS, which tells of the endpoint and does not see it.
    const bool by_dns =
        std::ranges::any_of(view.servers, [](const Answer& one) { return !one.privatelink_name().empty(); });
    const bool private_link =
        check->target.private_endpoint || (used && (!privatelink_of(view, *used).empty() || by_dns));
    if (!target_itself || !private_link || !is_private(address)) continue;
    for (const auto& subnet : {std::string(), subnet_of(address)}) add_once(silent[subnet], address);
    Finding finding{.code = "private_endpoint.unreachable",
                    .subject = address,
                    .confidence = Confidence::possible,
                    .checks = {check->id},
                    .values = {{"address", address}}};
    if (used && used->telling.seen) finding.evidence.push_back(used->telling.says(used->words()));
    finding.evidence.push_back(tried.front().says(
        fmt::format("no answer from {} in {}", to_string(tried.front()->remote), words(tried.front()->duration))));
    findings.push_back(std::move(finding));
  }
  // Several silent endpoints and nothing in their subnet that answers, or nothing private at all: one cause on the way,
  // not as many as there are endpoints.
  const auto alive = private_subnets_alive(evidence.report);
  for (auto& finding : findings) {
    const auto subnet = subnet_of(finding.subject);
    if (alive.contains(subnet)) continue;
    finding.subject = words(silent.at(alive.empty() ? "" : subnet));
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> private_endpoint_rules() {
  static constexpr std::array rules{
      NamedRule{"record is missing", record_is_missing},
      NamedRule{"instance points to itself", instance_points_to_itself, About::name},
      NamedRule{"address is not the endpoint's", address_is_not_the_endpoints, About::name},
      NamedRule{"only some services are private", only_some_services_are_private, About::name},
      NamedRule{"answer is public", answer_is_public, About::name},
      NamedRule{"endpoint is unreachable", endpoint_is_unreachable},
  };
  return rules;
}

}  // namespace vnetprobe
