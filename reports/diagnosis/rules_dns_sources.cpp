#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/azure_dns_load.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>
#include <set>

// What two sources of one name say against each other: the hosts file, the stub's cache, the node's servers, Azure's
// DNS.
namespace vnetprobe {
namespace {

// The address itself, and not the way to it, the clock or who reads along: nobody is there, or somebody else.
bool address_fails(const Evidenced& evidence, const Check& check) {
  return evidence.arrives(check) && (ends_at_tcp(check, evidence.report) || another_server_is_there(check));
}

// The service was reached and refuses this network. A 403 for any other reason is its answer to who asks.
bool network_is_denied(const Report& report, const Check& check) {
  const Evidenced alone{.report = report, .open = {&check}};
  for (const auto& rule : service_rules())
    for (const auto& finding : rule.rule(alone))
      if (finding.code.ends_with(".denied_by_firewall") || finding.code == "aml.denied_private_link") return true;
  return false;
}

bool is_known_to_connect(const Report& report, const std::vector<std::string>& addresses) {
  return std::ranges::any_of(cited<TcpObservation>(all_checks(report), Part::everything),
                             [&](const auto& tcp) { return !tcp->error && contains(addresses, meant_address(tcp)); });
}

// Others were tried in the internet, and none of them answers either.
bool nothing_public_connects(const Evidenced& evidence, const Check& but) {
  bool tried = false;
  for (const auto& tcp : cited<TcpObservation>(all_checks(evidence.report))) {
    if (tcp.check->id == but.id || !is_public(meant_address(tcp))) continue;
    if (!tcp->error) return false;
    tried = true;
  }
  return tried;
}

// --- The hosts file -------------------------------------------------------------------------------------------------

std::vector<HostsLine> lines_in_force(const DnsView& view) {
  std::vector<HostsLine> lines;
  if (!view.libc || view.libc->seen.empty()) return lines;
  for (const auto& line : view.libc->seen.front()->hosts_lines)
    if (contains(view.libc->addresses, line.address)) lines.push_back(line);
  return lines;
}

// What DNS says where it contradicts every line in force; null: it does not, or says nothing. A stub may read the hosts
// file itself (systemd-resolved and dnsmasq do unless told otherwise), so that its echo agrees with nothing.
const Answer* dns_against(const std::vector<HostsLine>& lines, const Report& report, const DnsView& view) {
  std::vector<const Answer*> servers, stubs;
  for (const auto& one : view.servers) (is_stub(report, *one.server) ? stubs : servers).push_back(&one);
  if (view.azure) servers.push_back(&*view.azure);
  const auto repeats = [&](const Answer* one) {
    return std::ranges::any_of(lines, [&](const HostsLine& line) { return contains(one->addresses, line.address); });
  };
  if (std::ranges::any_of(servers, repeats)) return nullptr;
  for (const auto& group : {servers, stubs})
    for (const auto* one : group)
      if (one->has_address() && !repeats(one)) return one;
  return nullptr;
}

// A hosts line to a private endpoint is a documented work-around (azure-facts 2.5) for a DNS that does not see its
// zone. A name that has an endpoint passes through privatelink there as well (2.4); without it, none is to be found.
bool leads_to_its_endpoint(const DnsView& view, const HostsLine& line, const Answer& by_dns) {
  const auto& target = view.check->target;
  // Notebooks have an address of their own beside the workspace's, which is the one that is configured (2.1).
  if (target.expected_address == line.address) return true;
  if (target.expected_address && target.service != Service::notebooks) return false;
  const bool has_endpoint = target.private_endpoint || std::ranges::any_of(view.servers, [](const Answer& one) {
                              return !one.privatelink_name().empty();
                            });
  return has_endpoint && is_private(line.address) && by_dns.kind == AnswerKind::public_address;
}

bool leads_past_the_endpoint(const DnsView& view, const Answer& by_dns) {
  return view.libc->kind == AnswerKind::public_address && by_dns.kind == AnswerKind::private_address;
}

bool line_does_harm(const Evidenced& evidence, const DnsView& view, const Answer& by_dns) {
  const Check& check = *view.check;
  const bool both_public = view.libc->kind == AnswerKind::public_address && by_dns.kind == AnswerKind::public_address;
  if (another_server_is_there(check) && evidence.arrives(check)) return true;
  if (address_fails(evidence, check)) return !both_public || !nothing_public_connects(evidence, check);
  return leads_past_the_endpoint(view, by_dns) &&
         (check.target.private_endpoint || network_is_denied(evidence.report, check));
}

std::vector<Finding> hosts_line_is_stale(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto lines = lines_in_force(view);
    const auto* by_dns = lines.empty() ? nullptr : dns_against(lines, evidence.report, view);
    if (!by_dns || leads_to_its_endpoint(view, lines.front(), *by_dns)) continue;
    const auto& line = lines.front();
    const auto place = fmt::format("{}:{}", line.file, line.line);
    // That DNS is right and the line is wrong is only certain where the right address was seen at work.
    const bool certain = leads_past_the_endpoint(view, *by_dns) || another_server_is_there(*view.check) ||
                         is_known_to_connect(evidence.report, by_dns->addresses);
    findings.push_back({.code = "dns.record.stale_hosts_file",
                        .subject = view.check->target.host,
                        .confidence = certain ? Confidence::proven : Confidence::likely,
                        .checks = {view.check->id},
                        .evidence = {view.libc->telling.says(fmt::format("{} gives {}", place, line.address)),
                                     by_dns->telling.says(by_dns->words())},
                        .values = {{"place", place},
                                   {"file", line.file},
                                   {"hosts_address", line.address},
                                   {"dns_address", words(by_dns->addresses, 2)}},
                        .only_informs = !line_does_harm(evidence, view, *by_dns)});
  }
  return findings;
}

// --- The stub's cache -----------------------------------------------------------------------------------------------

// Names with several addresses rotate them, zones differ on purpose, and a stub may hold records of its own: an old
// answer is blamed only where it does harm that the servers' answer would not do.
bool old_answer_does_harm(const Evidenced& evidence, const DnsView& view, const Answer& old, const Answer& now) {
  const Check& check = *view.check;
  const bool was_private = old.kind == AnswerKind::private_address,
             is_private_now = now.kind == AnswerKind::private_address;
  if (old.kind == AnswerKind::other_address || now.kind == AnswerKind::other_address) return false;
  if (check.target.expected_address && contains(old.addresses, *check.target.expected_address)) return false;
  if (!address_fails(evidence, check))
    return !was_private && is_private_now &&
           (check.target.private_endpoint || network_is_denied(evidence.report, check));
  if (is_private_now) return true;
  const bool split_on_purpose = was_private && check.target.private_endpoint;
  return !split_on_purpose && is_known_to_connect(evidence.report, now.addresses);
}

std::vector<Finding> cache_is_stale(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto find = [&](bool stub) {
      return std::find_if(view.servers.begin(), view.servers.end(), [&](const Answer& one) {
        return one.has_address() && is_stub(evidence.report, *one.server) == stub;
      });
    };
    const auto cache = find(true), upstream = find(false);
    if (cache == view.servers.end() || upstream == view.servers.end()) continue;
    const bool used = !view.libc || share_an_address(view.libc->addresses, cache->addresses);
    const bool by_hosts_file = std::ranges::any_of(
        lines_in_force(view), [&](const HostsLine& line) { return contains(cache->addresses, line.address); });
    const bool agree = std::any_of(view.servers.begin(), view.servers.end(), [&](const Answer& one) {
      return !is_stub(evidence.report, *one.server) && share_an_address(one.addresses, cache->addresses);
    });
    if (!used || by_hosts_file || agree || !old_answer_does_harm(evidence, view, *cache, *upstream)) continue;
    const bool certain = cache->kind != upstream->kind || is_known_to_connect(evidence.report, upstream->addresses);
    Finding finding{.code = "dns.cache.stale",
                    .subject = view.check->target.host,
                    .confidence = certain ? Confidence::proven : Confidence::likely,
                    .checks = {view.check->id},
                    .evidence = {cache->telling.says(cache->words()), upstream->telling.says(upstream->words())}};
    if (!certain)
      finding.alternatives = {"the stub holds a record of its own, and its address fails for another reason"};
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Azure's own DNS knows better than the server in use, in the same minute: that server does not forward to it.
std::vector<Finding> resolver_does_not_ask_azure(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (!view.azure || view.azure->kind != AnswerKind::private_address) continue;
    const auto* used = view.in_use();
    if (!used) continue;
    const bool wrong = used->exists_not() || used->kind == AnswerKind::nodata ||
                       (used->kind == AnswerKind::public_address && view.check->target.private_endpoint);
    if (!wrong) continue;
    const auto* server = &*used;
    for (const auto& one : view.servers)
      if (one.kind == used->kind && !is_stub(evidence.report, *one.server)) {
        server = &one;
        break;
      }
    // Servers in the internet see no private zone. One inside may forward as it should, from a network without the
    // link.
    const bool outside = server->server && is_public(server->server->address);
    findings.push_back(
        {.code = "dns.resolver.not_azure",
         .subject = server->server ? server->source : "of this node",
         .confidence = outside ? Confidence::proven : Confidence::likely,
         .checks = {view.check->id},
         .evidence = {server->telling.says(server->words()), view.azure->telling.says(view.azure->words())}});
  }
  return findings;
}

std::string class_of(const Answer& answer) {
  switch (answer.kind) {
    case AnswerKind::nxdomain:
      return "NXDOMAIN";
    case AnswerKind::private_address:
      return "a private address";
    case AnswerKind::public_address:
      return "a public address";
    default:
      return {};
  }
}

// Two of the node's own servers give answers of different kinds. What programs get decides whether it fails now.
std::vector<Finding> resolvers_disagree(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (view.check->target.guessed) continue;
    const Answer *one = nullptr, *other = nullptr;
    for (const auto& answer : view.servers) {
      if (class_of(answer).empty() || is_stub(evidence.report, *answer.server)) continue;
      if (!one)
        one = &answer;
      else if (class_of(*one) != class_of(answer)) {
        other = &answer;
        break;
      }
    }
    if (!other) continue;
    const auto* used = view.in_use();
    const bool misled = used && used->kind == AnswerKind::public_address && view.check->target.private_endpoint;
    const bool lost = view.libc ? view.libc->exists_not() : one->exists_not();
    const bool fails = misled || lost;
    const bool harmless = !fails && asks_a_working_stub(evidence.report, view);
    findings.push_back(
        {.code = lost ? "dns.record.nxdomain_here" : "dns.resolver.inconsistent",
         // One difference between two servers shows in many names.
         .subject = lost ? view.check->target.host : fmt::format("{} and {}", one->source, other->source),
         .confidence = Confidence::proven,
         .checks = {view.check->id},
         .evidence = {one->telling.says(one->words()), other->telling.says(other->words())},
         .values = {{"one_answer", class_of(*one) + " (" + one->source + ")"},
                    {"other_answer", class_of(*other) + " (" + other->source + ")"}},
         .only_informs = harmless,
         .warns = !fails && !harmless});
  }
  return findings;
}

// The address in use fails, and the one that another of the node's servers gives was tried and connects. Public names
// rotate their addresses, so there it may be one that is down among several; Microsoft's always do.
std::vector<Finding> another_server_gives_a_better_address(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    const auto* used = view.in_use();
    if (!used || !used->has_address() || !address_fails(evidence, *view.check)) continue;
    if (!lines_in_force(view).empty()) continue;
    const auto gives = [&](const Answer& one, bool used_one) {
      return one.has_address() && !is_stub(evidence.report, *one.server) &&
             share_an_address(one.addresses, used->addresses) == used_one;
    };
    const auto one = std::ranges::find_if(view.servers, [&](const Answer& answer) { return gives(answer, true); });
    const auto other = std::ranges::find_if(view.servers, [&](const Answer& answer) {
      return gives(answer, false) && is_known_to_connect(evidence.report, answer.addresses);
    });
    if (one == view.servers.end() || other == view.servers.end()) continue;
    const bool both_public = one->kind == AnswerKind::public_address && other->kind == AnswerKind::public_address;
    if (both_public && view.check->target.service != Service::user) continue;
    Finding finding{.code = "dns.resolver.inconsistent",
                    .subject = fmt::format("{} and {}", one->source, other->source),
                    .confidence = both_public ? Confidence::likely : Confidence::proven,
                    .checks = {view.check->id},
                    .evidence = {one->telling.says(one->words()), other->telling.says(other->words())},
                    .values = {{"one_answer", fmt::format("{} ({})", words(one->addresses, 2), one->source)},
                               {"other_answer", fmt::format("{} ({})", words(other->addresses, 2), other->source)}}};
    for (const auto& tcp : cited<TcpObservation>(*view.check, Part::experiments))
      if (!tcp->error && contains(other->addresses, tcp->remote.address)) {
        finding.evidence.push_back(tcp.says(
            fmt::format("{} connects, and what is in use does not lead to the service", to_string(tcp->remote))));
        break;
      }
    if (both_public) finding.alternatives = {"one of several servers of that name is down"};
    findings.push_back(std::move(finding));
  }
  return findings;
}

// The servers know the name and the library does not, or Azure's DNS does and the configured server does not.
std::vector<Finding> name_is_unknown_here(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const DnsView& view : views_of_targets(evidence)) {
    if (view.check->target.guessed) continue;
    const auto answers =
        std::find_if(view.servers.begin(), view.servers.end(), [](const Answer& one) { return one.has_address(); });
    const Answer *lost = nullptr, *known = nullptr;
    if (view.libc && view.libc->exists_not() && answers != view.servers.end()) {
      lost = &*view.libc;
      known = &*answers;
    } else if (view.azure && view.azure->has_address() && !view.any_address()) {
      for (const auto* answer : view.own())
        if (answer->exists_not()) {
          lost = answer;
          break;
        }
      known = &*view.azure;
    }
    if (!lost || !known || !lost->privatelink_name().empty()) continue;
    findings.push_back({.code = "dns.record.nxdomain_here",
                        .subject = view.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {view.check->id},
                        .evidence = {lost->telling.says(lost->words()), known->telling.says(known->words())}});
  }
  return findings;
}

// What a server said that makes the library give up: a word against one of the two questions of a name is enough for
// some versions of it, even if the other question is answered.
const Cited<DnsObservation>* word_against(const DnsView& view) {
  for (const auto& server : view.servers)
    for (const auto& dns : server.seen)
      if (dns->error == DnsFailure::servfail || dns->error == DnsFailure::refused) return &dns;
  return nullptr;
}

// Names for which the library has nothing, among those that it was asked for: where few of them, that may be chance.
bool is_often_without(const Report& report) {
  std::set<std::string> asked, without;
  for (const auto& dns : cited<DnsObservation>(all_checks(report))) {
    if (dns->via != DnsVia::libc) continue;
    asked.insert(dns->name);
    if (dns->error == DnsFailure::libc_error) without.insert(dns->name);
  }
  return without.size() >= 2 && without.size() * 4 >= asked.size();
}

// A server gives this agent an address, and the library gives programs none. It asks less often than this agent, so
// that lost packets do that to one name or another: it counts where a server's word explains it, or where it is the
// rule.
std::vector<Finding> library_gets_no_address(const Evidenced& evidence) {
  std::vector<Finding> findings;
  const bool may_be_chance = answers_are_unsteady(evidence.report) || !is_often_without(evidence.report);
  const bool azure_limits = !answers_once_it_is_quiet(evidence.report).empty();
  for (const DnsView& view : views_of_targets(evidence)) {
    if (!view.libc || view.libc->seen.empty() || view.check->target.guessed || !view.check->finished) continue;
    const auto& library = view.libc->telling;
    const bool gave_up = library->error == DnsFailure::libc_error;
    if (view.libc->has_address() || (!gave_up && view.libc->kind != AnswerKind::nodata)) continue;
    // An address of a family that this node does not have is none for its programs.
    const auto usable = [&](const std::string& address) { return !is_v6(address) || has_global_v6(evidence.report); };
    const auto answers = std::ranges::find_if(
        view.servers, [&](const Answer& one) { return std::ranges::any_of(one.addresses, usable); });
    if (answers == view.servers.end() || !resolved(*view.check)) continue;
    // dns.throttled tells it: the library asked in the same burst.
    if (gave_up && azure_limits && answers->server && answers->server->address == azure_dns) continue;
    const auto* against = gave_up ? word_against(view) : nullptr;
    const bool says_the_same =
        !gave_up && std::ranges::any_of(view.servers, [](const Answer& one) { return one.kind == AnswerKind::nodata; });
    Finding finding{.code = gave_up ? "dns.resolver.no_answer_for_name" : "dns.record.nodata",
                    .subject = gave_up ? answers->source : view.check->target.host,
                    .confidence = Confidence::possible,
                    .checks = {view.check->id},
                    .evidence = {library.says(library->detail.value_or(view.libc->words())),
                                 answers->telling.says(answers->words())},
                    .alternatives = {"the node's own way of looking names up (nsswitch.conf, options of resolv.conf)"}};
    if (against) {
      finding.code = (*against)->error == DnsFailure::refused ? "dns.resolver.refused" : "dns.resolver.servfail";
      finding.subject = name_of_server(*(*against)->server);
      finding.evidence.push_back(
          against->says(fmt::format("{} for {}", (*against)->rcode.value_or("a failure"), (*against)->question)));
    }
    finding.only_informs = !against && !says_the_same && may_be_chance;
    finding.warns = !finding.only_informs;
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> dns_source_rules() {
  static constexpr std::array rules{
      NamedRule{"hosts line is stale", hosts_line_is_stale, About::name},
      NamedRule{"cache is stale", cache_is_stale, About::name},
      NamedRule{"resolver does not ask Azure", resolver_does_not_ask_azure, About::name},
      NamedRule{"another server gives a better address", another_server_gives_a_better_address, About::name},
      NamedRule{"resolvers disagree", resolvers_disagree, About::name},
      NamedRule{"name is unknown here", name_is_unknown_here},
      NamedRule{"library gets no address", library_gets_no_address},
  };
  return rules;
}

}  // namespace vnetprobe
