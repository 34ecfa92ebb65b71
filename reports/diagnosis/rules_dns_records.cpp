#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

bool fails_after_dns(const Check& check) {
  return !check.observations.empty() &&
         std::any_of(check.observations.begin(), check.observations.end(), [](const Observation& one) {
           return !one.follow_up && !std::holds_alternative<DnsObservation>(one.seen) && !is_ok(one.seen);
         });
}

// The name is missing, and that is the cause. What programs get in its place is worth knowing, since it looks like
// another fault to whoever meets it: a certificate of somebody else, a refused connection.
std::vector<Finding> search_list_completes_it(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& check : evidence.report.checks)
    for (const auto& dns : cited<DnsObservation>(check, Part::experiments)) {
      if (!dns->with_search || dns->addresses.empty()) continue;
      const auto meant = dns->canonical_name.value_or("a name of the search list");
      findings.push_back({.code = "dns.record.search_suffix",
                          .subject = dns->name,
                          .confidence = Confidence::proven,
                          .checks = {check.id},
                          .evidence = {dns.says(fmt::format("{} does not exist; programs are led to {} at {}",
                                                            dns->name, meant, words(dns->addresses, 2)))},
                          .only_informs = true});
    }
  return findings;
}

// Every source that spoke says NXDOMAIN, and not behind a privatelink name: that would be a missing private record. A
// host that only stands for a documented wildcard need not exist.
const Answer* plain_nxdomain(const DnsView& view) {
  if (view.check->target.guessed) return nullptr;
  const Answer* telling = nullptr;
  for (const auto* answer : view.own()) {
    if (answer->has_address() || answer->kind == AnswerKind::nodata) return nullptr;
    if (!answer->exists_not()) continue;
    if (!answer->privatelink_name().empty()) return nullptr;
    telling = answer;
  }
  return view.any_address() ? nullptr : telling;
}

// Only when no name of the account exists, of at least two, and the servers do answer for other hosts. A single missing
// name is what a missing record or a shadowing zone looks like as well, so it keeps the weaker code.
std::vector<Finding> storage_account_is_missing(const Evidenced& evidence) {
  bool others_resolve = false;
  std::set<std::string> alive;
  for (const auto& check : evidence.report.checks) {
    if (is_address(check.target.host) || !resolved(check)) continue;
    others_resolve = true;
    if (is_storage(check.target.service)) alive.insert(first_label(check.target.host));
  }
  std::vector<Finding> findings;
  std::map<std::string, std::set<std::string>> hosts;
  for (const auto& view : views_of_targets(evidence.open)) {
    const auto* answer = is_storage(view.check->target.service) ? plain_nxdomain(view) : nullptr;
    const auto account = first_label(view.check->target.host);
    if (!answer || !others_resolve || alive.contains(account)) continue;
    hosts[account].insert(view.check->target.host);
    findings.push_back({.code = "storage.account_missing",
                        .subject = account,
                        .confidence = Confidence::likely,
                        .checks = {view.check->id},
                        .evidence = {answer->telling.says(answer->words())}});
  }
  std::erase_if(findings, [&](const Finding& finding) { return hosts[finding.subject].size() < 2; });
  return findings;
}

// Names that belong in one zone are missing for one reason: that zone, or the resource whose names they are.
std::vector<Finding> name_does_not_exist(const Evidenced& evidence) {
  std::map<std::string, std::vector<std::string>> hosts;
  std::vector<std::pair<std::string, Finding>> by_zone;
  for (const auto& view : views_of_targets(evidence.open)) {
    if (!plain_nxdomain(view)) continue;
    const auto& target = view.check->target;
    const auto zone = target.private_zone.value_or(target.host);
    add_once(hosts[zone], target.host);
    Finding finding{.code = "dns.record.nxdomain", .confidence = Confidence::proven, .checks = {view.check->id}};
    for (const auto* one : view.own())
      if (one->exists_not()) finding.evidence.push_back(one->telling.says(one->words()));
    by_zone.emplace_back(zone, std::move(finding));
  }
  std::vector<Finding> findings;
  for (auto& [zone, finding] : by_zone) {
    finding.subject = words(hosts[zone]);
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> name_has_no_address(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    if (view.any_address()) continue;
    const Answer* telling = nullptr;
    bool only_this = true;
    for (const auto* answer : view.own()) {
      if (answer->kind == AnswerKind::nodata)
        telling = answer;
      else if (answer->spoke())
        only_this = false;
    }
    if (!telling || !only_this || !telling->privatelink_name().empty()) continue;
    findings.push_back({.code = "dns.record.nodata",
                        .subject = view.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {view.check->id},
                        .evidence = {telling->telling.says(telling->words())}});
  }
  return findings;
}

// Where a service answered with a certificate that verifies, the address is odd and right: a laboratory, a tunnel.
std::vector<Finding> address_is_a_bogon(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    const auto* used = view.in_use();
    if (!used || !used->has_address() || view.check->target.host == "localhost") continue;
    if (!std::all_of(used->addresses.begin(), used->addresses.end(), is_bogon)) continue;
    const bool replaced =
        std::any_of(view.check->observations.begin(), view.check->observations.end(), [](const Observation& one) {
          const auto* tcp = std::get_if<TcpObservation>(&one.seen);
          return tcp && tcp->instead_of;
        });
    if (replaced || !tls_or_tcp_fails(*view.check, evidence.report)) continue;
    // On this machine's own loopback a refusal or a silence may be the real service's; only a sinkhole's range
    // elsewhere is plain.
    const bool loopback = std::all_of(used->addresses.begin(), used->addresses.end(), is_loopback);
    if (loopback && connected(*view.check)) continue;
    const bool shared = std::any_of(used->addresses.begin(), used->addresses.end(),
                                    [](const std::string& one) { return in_prefix(one, "100.64.0.0/10"); });
    if (shared && (view.check->target.private_endpoint || view.check->target.service == Service::user)) continue;
    findings.push_back({.code = "dns.record.bogon",
                        .subject = view.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {view.check->id},
                        .evidence = {used->telling.says(used->words())},
                        .values = {{"address", used->addresses.front()}}});
  }
  return findings;
}

// What a program got for the name: no server said anything but nothing, twice at least, so that chance is unlikely.
bool stayed_without_answer(const Check& check) {
  int silent = 0, by_servers = 0;
  for (const auto& dns : cited<DnsObservation>(check)) {
    if (!dns->addresses.empty()) return false;
    const bool by_server = dns->via == DnsVia::server;
    const bool timed_out = dns->error == DnsFailure::timed_out || (!by_server && dns->error == DnsFailure::libc_error);
    if (by_server && dns->error && !timed_out) return false;
    silent += timed_out ? 1 : 0;
    by_servers += timed_out && by_server ? 1 : 0;
  }
  return by_servers > 0 && silent >= 2;
}

// The server lives, and this name stays silent, even if an experiment got its answer later or over TCP.
std::vector<Finding> name_gets_no_answer(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    if (!view.check->finished || view.servers.empty() || !stayed_without_answer(*view.check)) continue;
    const auto& first = view.servers.front();
    findings.push_back({.code = "dns.resolver.no_answer_for_name",
                        .subject = first.source,
                        .confidence = Confidence::possible,
                        .checks = {view.check->id},
                        .evidence = {first.telling.says(first.words())}});
    for (const auto& dns : cited<DnsObservation>(*view.check))
      if (dns->error == DnsFailure::timed_out && findings.back().evidence.size() < 3)
        findings.back().evidence.push_back(
            dns.says(fmt::format("no answer to the question for {} in {}", dns->question, words(dns->duration))));
  }
  return findings;
}

// A check whose servers give no single word for it: some are silent, the others fail. Better the parent than nothing.
std::vector<Finding> answer_makes_no_sense(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    if (view.any_address() || !ends_at_dns(*view.check) || !view.check->finished || fails_after_dns(*view.check))
      continue;
    for (const auto* answer : view.own()) {
      if (answer->kind != AnswerKind::malformed) continue;
      findings.push_back({.code = "dns.resolver.servfail",
                          .subject = answer->source,
                          .confidence = Confidence::possible,
                          .checks = {view.check->id},
                          .evidence = {answer->telling.says(answer->words())},
                          .alternatives = {"something on the path changes DNS answers"}});
      break;
    }
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> dns_record_rules() {
  static constexpr std::array rules{
      NamedRule{"search list completes it", search_list_completes_it},
      NamedRule{"storage account is missing", storage_account_is_missing},
      NamedRule{"name does not exist", name_does_not_exist},
      NamedRule{"name has no address", name_has_no_address},
      NamedRule{"address is a bogon", address_is_a_bogon},
      NamedRule{"name gets no answer", name_gets_no_answer},
      NamedRule{"answer makes no sense", answer_makes_no_sense},
  };
  return rules;
}

}  // namespace vnetprobe
