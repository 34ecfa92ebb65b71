#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

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
  for (const DnsView& view : views_of_targets(evidence)) {
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

void doubt(Finding& finding, std::string alternative) {
  finding.confidence = std::max(finding.confidence, Confidence::likely);
  finding.alternatives.push_back(std::move(alternative));
}

// Names that belong in one zone are missing for one reason: that zone, or the resource whose names they are.
std::vector<Finding> name_does_not_exist(const Evidenced& evidence) {
  const bool from_nowhere = answer_from_nowhere(evidence.report).has_value();
  std::map<std::string, std::vector<std::string>> hosts;
  std::vector<std::pair<std::string, Finding>> by_zone;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (!plain_nxdomain(view)) continue;
    const auto& target = view.check->target;
    const auto zone = target.private_zone.value_or(target.host);
    add_once(hosts[zone], target.host);
    Finding finding{.code = "dns.record.nxdomain", .confidence = Confidence::proven, .checks = {view.check->id}};
    for (const auto* one : view.own()) {
      if (one->exists_not()) finding.evidence.push_back(one->telling.says(one->words()));
      if (!one->spoke()) doubt(finding, one->source + " did not answer, and may know the name");
    }
    if (from_nowhere) doubt(finding, "what answers DNS on the path, in place of the servers, does not know the name");
    by_zone.emplace_back(zone, std::move(finding));
  }
  std::vector<Finding> findings;
  for (auto& [zone, finding] : by_zone) {
    finding.subject = words(hosts[zone]);
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Nobody has an address for it. Where one server knows the name and another says something else, the first is believed:
// the name, or one below it, is there.
std::vector<Finding> name_has_no_address(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (view.any_address() || view.check->target.guessed) continue;
    const auto own = view.own();
    const auto telling =
        std::ranges::find_if(own, [](const Answer* answer) { return answer->kind == AnswerKind::nodata; });
    if (telling == own.end() || !(*telling)->privatelink_name().empty()) continue;
    Finding finding{.code = "dns.record.nodata",
                    .subject = view.check->target.host,
                    .confidence = Confidence::proven,
                    .checks = {view.check->id},
                    .evidence = {(*telling)->telling.says((*telling)->words())}};
    for (const auto* answer : own) {
      if (answer->kind == AnswerKind::nodata || !answer->spoke()) continue;
      finding.evidence.push_back(answer->telling.says(answer->words()));
      doubt(finding, answer->exists_not() ? answer->source + " holds another zone: it says that there is no such name"
                                          : answer->source + " gives no usable answer, and may know more");
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Where a service answered with a certificate that verifies, the address is odd and right: a laboratory, a tunnel.
std::vector<Finding> address_is_a_bogon(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto* used = view.in_use();
    if (!used || !used->has_address() || view.check->target.host == "localhost") continue;
    if (!std::all_of(used->addresses.begin(), used->addresses.end(), is_bogon)) continue;
    const bool replaced =
        std::any_of(view.check->observations.begin(), view.check->observations.end(), [](const Observation& one) {
          const auto* tcp = std::get_if<TcpObservation>(&one.seen);
          return tcp && tcp->instead_of;
        });
    // 0.0.0.0 is this node itself for its kernel: what answers there is no service of that name (RFC 1122 3.2.1.3).
    const bool nowhere = std::ranges::all_of(
        used->addresses, [](const std::string& one) { return in_prefix(one, "0.0.0.0/8") || one == "::"; });
    if (replaced || (!nowhere && !tls_or_tcp_fails(*view.check, evidence.report))) continue;
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

// Asked again, alone or over TCP, a server that was silent about the name gives its address. Where packets get lost, or
// the server answered its other question, that was chance.
bool was_chance(const DnsView& view, const Report& report) {
  if (!view.any_address()) return false;
  const auto asked = cited<DnsObservation>(*view.check);
  return answers_are_unsteady(report) || std::ranges::any_of(asked, [](const auto& dns) {
           return dns->via == DnsVia::server && !dns->error && !dns->truncated;
         });
}

// The server lives, and this name stays silent.
std::vector<Finding> name_gets_no_answer(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (!view.check->finished || view.servers.empty() || !stayed_without_answer(*view.check)) continue;
    const auto& first = view.servers.front();
    findings.push_back({.code = "dns.resolver.no_answer_for_name",
                        .subject = first.source,
                        .confidence = Confidence::possible,
                        .checks = {view.check->id},
                        .only_informs = was_chance(view, evidence.report)});
    auto& says = findings.back().evidence;
    for (const auto& dns : cited<DnsObservation>(*view.check))
      if (dns->error == DnsFailure::timed_out && says.size() < 2)
        says.push_back(
            dns.says(fmt::format("no answer to the question for {} in {}", dns->question, words(dns->duration))));
    says.push_back(first.telling.says(first.words()));
  }
  return findings;
}

// The code for an answer that is none, where nothing said more.
std::string_view weakest_code_for(const Answer& answer) {
  if (answer.kind == AnswerKind::malformed || answer.kind == AnswerKind::truncated)
    return "dns.resolver.unusable_answer";
  if (answer.kind == AnswerKind::unreachable) return "dns.resolver.unreachable";
  if (answer.telling.seen && answer.telling->error == DnsFailure::no_resolver) return "dns.no_resolver";
  return "dns.resolver.no_answer_for_name";
}

// A check whose servers give no single word for it, or were asked only once. Better the parent than nothing.
std::vector<Finding> name_stays_without_address(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (!ends_at_dns(*view.check) || !view.check->finished || view.check->target.guessed) continue;
    if (!view.servers.empty() && stayed_without_answer(*view.check)) continue;
    const auto own = view.own();
    // The clearest of the words that are none, as elsewhere.
    const auto clearest = std::ranges::max_element(own, {}, [](const Answer* one) { return one->kind; });
    if (clearest == own.end() || !(*clearest)->telling.seen) continue;
    const auto& answer = **clearest;
    // What ends behind a privatelink name is a rule of its own, and what was cut short has come over TCP since.
    if (answer.exists_not() || answer.kind == AnswerKind::nodata) continue;
    const bool came_since = answer.has_address();
    if (came_since && std::ranges::any_of(answer.seen, [](const auto& dns) { return dns->truncated; })) continue;
    // An alias that leads to itself leads nowhere: the record is there, and no address.
    const bool loops = answer.kind == AnswerKind::alias_loop;
    Finding finding{.code = loops ? "dns.record.nodata" : std::string(weakest_code_for(answer)),
                    .subject = loops           ? view.check->target.host
                               : answer.server ? answer.source
                                               : "of this node",
                    .confidence = loops ? Confidence::proven : Confidence::possible,
                    .checks = {view.check->id},
                    .evidence = {answer.telling.says(answer.words())},
                    .only_informs = came_since};
    finding.values.emplace_back("problem", answer.kind == AnswerKind::truncated
                                               ? "is cut short, and over TCP nothing more came"
                                               : "makes no sense");
    findings.push_back(std::move(finding));
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
      NamedRule{"name stays without an address", name_stays_without_address},
  };
  return rules;
}

}  // namespace vnetprobe
