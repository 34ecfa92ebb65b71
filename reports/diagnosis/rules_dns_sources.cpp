#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/dns_view.hpp"

#include <algorithm>
#include <array>

// What two sources of one name say against each other: the hosts file, the stub's cache, the node's servers, Azure's
// DNS.
namespace vnetprobe {
namespace {

// The address itself, and not the way to it.
bool address_fails(const Evidenced& evidence, const Check& check) {
  return evidence.arrives(check) && tls_or_tcp_fails(check, evidence.report);
}

bool refused_over_http(const Check& check) {
  const auto answers = cited<HttpObservation>(check);
  return !answers.empty() && (answers.back()->status == 403 || answers.back()->status >= 500);
}

// A hosts line to a private endpoint is a documented work-around (azure-facts 2.5): it is blamed only for an address
// that does not work, or for leading to the public side a name that DNS knows as private.
std::vector<Finding> hosts_line_is_stale(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    if (!view.libc || view.libc->seen.empty() || !view.libc->has_address()) continue;
    const auto& lines = view.libc->seen.front()->hosts_lines;
    const auto in_force = std::find_if(lines.begin(), lines.end(), [&](const HostsLine& line) {
      return contains(view.libc->addresses, line.address);
    });
    const auto by_dns =
        std::find_if(view.servers.begin(), view.servers.end(), [](const Answer& one) { return one.has_address(); });
    if (in_force == lines.end() || by_dns == view.servers.end()) continue;
    const bool same = std::any_of(view.servers.begin(), view.servers.end(),
                                  [&](const Answer& one) { return contains(one.addresses, in_force->address); });
    if (same) continue;
    const bool other_side =
        view.libc->kind == AnswerKind::public_address && by_dns->kind == AnswerKind::private_address;
    const bool harmful = address_fails(evidence, *view.check) ||
                         (other_side && (view.check->target.private_endpoint || refused_over_http(*view.check)));
    const auto place = fmt::format("{}:{}", in_force->file, in_force->line);
    findings.push_back({.code = "dns.record.stale_hosts_file",
                        .subject = view.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {view.check->id},
                        .evidence = {view.libc->telling.says(fmt::format("{} gives {}", place, in_force->address)),
                                     by_dns->telling.says(by_dns->words())},
                        .values = {{"place", place},
                                   {"file", in_force->file},
                                   {"hosts_address", in_force->address},
                                   {"dns_address", words(by_dns->addresses, 2)}},
                        .only_informs = !harmful});
  }
  return findings;
}

// The stub on this node and the servers behind it tell different addresses in the same minute. Round-robin names do so
// on a healthy network, so only an address that does not work, or one of the other kind, is blamed.
std::vector<Finding> cache_is_stale(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
    const auto find = [&](bool stub) {
      return std::find_if(view.servers.begin(), view.servers.end(), [&](const Answer& one) {
        return one.has_address() && is_stub(evidence.report, *one.server) == stub;
      });
    };
    const auto cache = find(true), upstream = find(false);
    if (cache == view.servers.end() || upstream == view.servers.end()) continue;
    const bool used = !view.libc || view.libc->addresses == cache->addresses;
    const bool agree = std::any_of(view.servers.begin(), view.servers.end(), [&](const Answer& one) {
      return !is_stub(evidence.report, *one.server) &&
             std::any_of(one.addresses.begin(), one.addresses.end(),
                         [&](const std::string& address) { return contains(cache->addresses, address); });
    });
    if (!used || agree || (cache->kind == upstream->kind && !address_fails(evidence, *view.check))) continue;
    findings.push_back({.code = "dns.cache.stale",
                        .subject = view.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {view.check->id},
                        .evidence = {cache->telling.says(cache->words()), upstream->telling.says(upstream->words())}});
  }
  return findings;
}

// Azure's own DNS knows better than the server in use, in the same minute: that server does not forward to it.
std::vector<Finding> resolver_does_not_ask_azure(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
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
    findings.push_back(
        {.code = "dns.resolver.not_azure",
         .subject = server->server ? server->source : "of this node",
         .confidence = Confidence::proven,
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
  for (const auto& view : views_of_targets(evidence.open)) {
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
    findings.push_back(
        {.code = lost ? "dns.record.nxdomain_here" : "dns.resolver.inconsistent",
         // One difference between two servers shows in many names.
         .subject = lost ? view.check->target.host : fmt::format("{} and {}", one->source, other->source),
         .confidence = Confidence::proven,
         .checks = {view.check->id},
         .evidence = {one->telling.says(one->words()), other->telling.says(other->words())},
         .values = {{"one_answer", class_of(*one) + " (" + one->source + ")"},
                    {"other_answer", class_of(*other) + " (" + other->source + ")"}},
         .warns = !misled && !lost});
  }
  return findings;
}

// The servers know the name and the library does not, or Azure's DNS does and the configured server does not.
std::vector<Finding> name_is_unknown_here(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& view : views_of_targets(evidence.open)) {
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

}  // namespace

std::span<const NamedRule> dns_source_rules() {
  static constexpr std::array rules{
      NamedRule{"hosts line is stale", hosts_line_is_stale, About::name},
      NamedRule{"cache is stale", cache_is_stale, About::name},
      NamedRule{"resolver does not ask Azure", resolver_does_not_ask_azure, About::name},
      NamedRule{"resolvers disagree", resolvers_disagree, About::name},
      NamedRule{"name is unknown here", name_is_unknown_here},
  };
  return rules;
}

}  // namespace vnetprobe
