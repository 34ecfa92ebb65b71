#include "reports/diagnosis/dns_view.hpp"

#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <cctype>

namespace vnetprobe {
namespace {

AnswerKind kind_of_failure(const DnsObservation& dns) {
  if (!dns.error) return dns.truncated ? AnswerKind::truncated : AnswerKind::nodata;
  switch (*dns.error) {
    case DnsFailure::nxdomain:
      return AnswerKind::nxdomain;
    case DnsFailure::servfail:
    case DnsFailure::other_rcode:
      return AnswerKind::servfail;
    case DnsFailure::refused:
      return AnswerKind::refused;
    case DnsFailure::malformed:
      return AnswerKind::malformed;
    case DnsFailure::alias_loop:
      return AnswerKind::alias_loop;
    case DnsFailure::unreachable:
      return AnswerKind::unreachable;
    case DnsFailure::timed_out:
    case DnsFailure::no_resolver:
    case DnsFailure::libc_error:
      return AnswerKind::silent;
  }
  return AnswerKind::silent;
}

// By the IPv4 addresses where there are any: private endpoints have no others, so that a public AAAA beside a private A
// is only what whoever wrote the A record did not override.
AnswerKind kind_of_addresses(std::vector<std::string> addresses) {
  if (!std::ranges::all_of(addresses, is_v6)) std::erase_if(addresses, is_v6);
  if (std::any_of(addresses.begin(), addresses.end(), is_public)) return AnswerKind::public_address;
  if (std::all_of(addresses.begin(), addresses.end(), is_private)) return AnswerKind::private_address;
  return AnswerKind::other_address;
}

// Names are equal in whatever case (RFC 1035, 2.3.3), and some servers play with it.
std::string in_lower_case(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// Without an address the A question decides: a server may have nothing for AAAA, or fail at it, on a healthy network.
// Among its answers the clearest word wins, so that one lost datagram never hides an NXDOMAIN.
void settle(Answer& answer) {
  const bool asked_a =
      std::any_of(answer.seen.begin(), answer.seen.end(), [](const auto& dns) { return dns->question != "AAAA"; });
  bool first = true;
  for (const auto& dns : answer.seen) {
    for (const auto& address : dns->addresses) add_once(answer.addresses, address);
    for (const auto& record : dns->answers)
      if (record.type == "CNAME") add_once(answer.chain, in_lower_case(record.data));
    if (asked_a && dns->question == "AAAA" && dns->addresses.empty()) continue;
    const auto kind = dns->addresses.empty() ? kind_of_failure(*dns) : kind_of_addresses(dns->addresses);
    if (!first && kind <= answer.kind) continue;
    answer.kind = kind;
    answer.telling = dns;
    first = false;
  }
  if (answer.has_address()) answer.kind = kind_of_addresses(answer.addresses);
  if (answer.libc_only_name()) add_once(answer.chain, in_lower_case(*answer.telling->canonical_name));
}

Answer& answer_of(std::vector<Answer>& all, const Endpoint& server) {
  for (auto& one : all)
    if (one.server == server) return one;
  all.push_back({.source = name_of_server(server), .server = server});
  return all.back();
}

std::string_view words_of(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::silent:
      return "no answer";
    case AnswerKind::unreachable:
      return "unreachable";
    case AnswerKind::malformed:
      return "an answer that makes no sense";
    case AnswerKind::alias_loop:
      return "an alias that leads back to itself";
    case AnswerKind::refused:
      return "REFUSED";
    case AnswerKind::servfail:
      return "SERVFAIL";
    case AnswerKind::truncated:
      return "an answer cut short";
    case AnswerKind::nxdomain:
      return "NXDOMAIN";
    case AnswerKind::nodata:
      return "no address";
    default:
      return "an address";
  }
}

}  // namespace

bool Answer::libc_only_name() const { return telling.seen && telling->via == DnsVia::libc && telling->canonical_name; }

std::string Answer::privatelink_name() const {
  for (const auto& name : chain)
    if (name.starts_with("privatelink.") || name.find(".privatelink.") != std::string::npos) return name;
  return {};
}

std::string Answer::words() const {
  std::string text = source + ": " + (telling.seen ? telling->name : std::string{});
  for (const auto& name : chain) text += " -> " + name;
  text += " -> ";
  if (has_address()) return text + vnetprobe::words(addresses, 3);
  // Codes without a name of their own are kin of SERVFAIL, and are shown as they came.
  if (kind == AnswerKind::servfail && telling.seen && telling->rcode) return text + *telling->rcode;
  return text.append(words_of(kind));
}

std::vector<const Answer*> DnsView::own() const {
  std::vector<const Answer*> all;
  for (const auto& answer : servers) all.push_back(&answer);
  if (all.empty() && libc) all.push_back(&*libc);
  return all;
}

bool DnsView::any_address() const {
  if (libc && libc->has_address()) return true;
  return std::any_of(servers.begin(), servers.end(), [](const Answer& answer) { return answer.has_address(); });
}

const Answer* DnsView::in_use() const {
  if (libc && libc->has_address()) return &*libc;
  const auto first = [&](auto&& holds) -> const Answer* {
    const auto found = std::find_if(servers.begin(), servers.end(), holds);
    return found == servers.end() ? nullptr : &*found;
  };
  if (const auto* answer = first([](const Answer& one) { return one.has_address(); })) return answer;
  if (const auto* answer = first([](const Answer& one) { return one.spoke(); })) return answer;
  return libc ? &*libc : nullptr;
}

DnsView view_dns(const Check& check) {
  DnsView view{.check = &check, .names_target = is_about_its_target(check)};
  std::vector<Answer> experiments;
  for (const auto& dns : cited<DnsObservation>(check)) {
    if (dns->via == DnsVia::libc) {
      if (!view.libc) view.libc = Answer{.source = "the node's resolver library"};
      view.libc->seen.push_back(dns);
    } else if (dns->server) {
      answer_of(view.servers, *dns->server).seen.push_back(dns);
    }
  }
  // The same server asked again over TCP completes its answer; another server stays an experiment.
  for (const auto& dns : cited<DnsObservation>(check, Part::experiments)) {
    if (!dns->server) continue;
    const bool known = std::any_of(view.servers.begin(), view.servers.end(),
                                   [&](const Answer& one) { return one.server == dns->server; });
    answer_of(known ? view.servers : experiments, *dns->server).seen.push_back(dns);
  }
  for (auto& answer : view.servers) settle(answer);
  if (view.libc) settle(*view.libc);
  for (auto& answer : experiments) {
    settle(answer);
    if (answer.server->address == azure_dns) view.azure = std::move(answer);
  }
  return view;
}

std::vector<DnsView> all_views(const Report& report) {
  std::vector<DnsView> views;
  for (const auto& check : report.checks)
    if (!cited<DnsObservation>(check).empty()) views.push_back(view_dns(check));
  return views;
}

DnsViews open_views(const Evidenced& evidence) {
  DnsViews open;
  auto check = evidence.open.begin();
  for (const auto& view : evidence.views) {
    // Both are in the order of the report's checks.
    while (check != evidence.open.end() && *check < view.check) ++check;
    if (check != evidence.open.end() && *check == view.check) open.emplace_back(view);
  }
  return open;
}

bool is_about_its_target(const Check& check) {
  if (is_resolver_check(check) || is_address(check.target.host)) return false;
  const auto asked = cited<DnsObservation>(check);
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return !asked.empty() && std::all_of(asked.begin(), asked.end(), [&](const auto& dns) {
    return std::equal(dns->name.begin(), dns->name.end(), check.target.host.begin(), check.target.host.end(), same);
  });
}

DnsViews views_of_targets(const Evidenced& evidence) {
  auto views = open_views(evidence);
  std::erase_if(views, [](const DnsView& view) { return !view.names_target; });
  return views;
}

bool is_stub(const Report& report, const Endpoint& server) {
  if (server.address == "127.0.0.53" || server.address == "127.0.0.54") return true;
  return std::any_of(report.node.resolvers.begin(), report.node.resolvers.end(), [&](const NodeResolver& resolver) {
    return resolver.stub && (resolver.value == server.address || resolver.value == to_string(server));
  });
}

bool share_an_address(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  return std::ranges::any_of(some, [&](const std::string& address) { return contains(others, address); });
}

bool asks_a_working_stub(const Report& report, const DnsView& view) {
  return std::ranges::any_of(view.servers, [&](const Answer& one) {
    return one.has_address() && is_stub(report, *one.server) &&
           (!view.libc || share_an_address(view.libc->addresses, one.addresses));
  });
}

bool library_resolves(const Report& report) {
  for (const auto& dns : cited<DnsObservation>(all_checks(report)))
    if (dns->via == DnsVia::libc && !dns->addresses.empty() && dns->hosts_lines.empty()) return true;
  return false;
}

bool answers_are_unsteady(const Report& report) {
  int made = 0, repeated = 0, answered = 0, asked_again = 0;
  for (const auto& tcp : cited<TcpObservation>(all_checks(report))) {
    if (tcp->error) continue;
    ++made;
    if (tcp->retransmissions > 0) ++repeated;
  }
  for (const auto& dns : cited<DnsObservation>(all_checks(report))) {
    if (!dns->server || !dns->rcode) continue;
    ++answered;
    if (dns->sent.value_or(1) > 1) ++asked_again;
  }
  constexpr int one_in = 20;
  return repeated * one_in >= std::max(made, 1) || asked_again * one_in >= std::max(answered, 1);
}

std::optional<Cited<DnsObservation>> answer_from_nowhere(const Report& report) {
  for (const auto& dns : cited<DnsObservation>(all_checks(report), Part::experiments))
    if (dns->server && in_prefix(dns->server->address, "192.0.2.0/24") && dns->rcode) return dns;
  return std::nullopt;
}

std::string name_of_server(const Endpoint& server) { return server.port == 53 ? server.address : to_string(server); }

const Check* resolver_check(const Report& report, const Endpoint& server) {
  for (const auto& name : {name_of_server(server), server.address, to_string(server)})
    if (const auto* check = check_named(report, "node.resolver/" + name)) return check;
  return nullptr;
}

bool is_resolver_check(const Check& check) { return check.id.starts_with("node.resolver/"); }

std::string zone_of(const std::string& privatelink_name) {
  const auto at = privatelink_name.find("privatelink.");
  return at == std::string::npos ? privatelink_name : privatelink_name.substr(at);
}

}  // namespace vnetprobe
