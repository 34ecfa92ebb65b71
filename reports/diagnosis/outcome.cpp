#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/dns_servers.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <boost/describe/enum_to_string.hpp>

#include <algorithm>
#include <set>

namespace vnetprobe {
namespace {

Outcome pass(std::string reason) { return {Verdict::pass, std::move(reason)}; }
Outcome undecided(std::string reason) { return {Verdict::inconclusive, std::move(reason)}; }

// --- Checks that climbed --------------------------------------------------------------------------------------------

bool wants_credentials(const ServiceAnswer& answer) {
  return answer.status == 401 || answer.status == 403 || answer.service_error_code == "PublicAccessNotPermitted";
}

// Words that name a state of the table end with its code, for `explain`.
Outcome of_answer(const ServiceAnswer& answer) {
  const std::string code = answer.service_error_code ? " " + *answer.service_error_code : "";
  const std::string said = fmt::format("{}{}", answer.status, code);
  if (answer.is_websocket) {
    if (answer.status == 101) return pass("the WebSocket opened and answered a ping");
    if (answer.status == 401 || answer.status == 403 || answer.status / 100 == 3)
      return pass(fmt::format("reached: sign-in required ({}; websocket.auth_expected)", said));
    return undecided(
        fmt::format("reached, but the handshake was answered with {}, which says nothing about WebSockets", said));
  }
  if (wants_credentials(answer)) {
    const char* state = is_storage(answer.check->target.service) ? "storage.auth_required" : "http.reached_needs_auth";
    return pass(fmt::format("reached: needs credentials ({}; {})", said, state));
  }
  if (answer.status / 100 == 2) return pass(fmt::format("reached ({}; http.ok)", said));
  if (answer.status / 100 == 3) return pass(fmt::format("reached ({})", said));
  if (is_storage(answer.check->target.service) && answer.status == 400)
    return pass(fmt::format("reached ({}); whether the firewall would let data through is not told by it", said));
  return pass(fmt::format("reached; the service answered {}", said));
}

Outcome of_tls(const Cited<TlsObservation>& tls) {
  const std::string who =
      tls->chain.empty() ? "" : fmt::format(", certificate until {}", date(tls->chain.front().not_after));
  return pass(fmt::format("{}{}, {}", tls->version.value_or("TLS"), who, words(tls->duration)));
}

Outcome of_addresses(const Check& check) {
  std::set<std::string> addresses;
  for (const auto& dns : cited<DnsObservation>(check)) addresses.insert(dns->addresses.begin(), dns->addresses.end());
  const bool all_private =
      !addresses.empty() && std::ranges::all_of(addresses, [](const std::string& one) { return is_private(one); });
  return pass(fmt::format("resolves to {}{}", fmt::join(addresses, ", "), all_private ? " (private)" : ""));
}

// The last layer failed throughout and no rule knows why: that much is certain, and no more. One good answer of the
// last layer (another server, another address) means that the climb went on.
Outcome unexplained(const Check& check) {
  std::optional<std::string_view> last;
  for (auto it = check.observations.rbegin(); it != check.observations.rend(); ++it) {
    if (it->follow_up) continue;
    if (!last) last = layer_of(it->seen);
    if (layer_of(it->seen) != *last) break;
    if (is_ok(it->seen)) return undecided("nothing was observed that decides it");
  }
  if (!last) return undecided("nothing was observed that decides it");
  return {Verdict::fail, fmt::format("its {} layer failed, and nothing that was seen tells why", *last)};
}

bool answered_later(const Check& check) {
  return std::ranges::any_of(cited<DnsObservation>(check, Part::experiments), [&](const auto& again) {
    const auto own = cited<DnsObservation>(check);
    return !again->addresses.empty() &&
           std::ranges::any_of(own, [&](const auto& dns) { return dns->server == again->server; });
  });
}

// A request that got no answer got one when it was made again.
std::optional<Outcome> answered_at_the_second_attempt(const Check& check) {
  const auto requests = cited<HttpObservation>(check);
  const bool again = !requests.empty() && requests.back()->error && requests.back()->error != HttpFailure::malformed &&
                     requests.back()->error != HttpFailure::headers_too_big;
  const auto answer = again ? good_second_answer(check) : std::nullopt;
  if (!answer) return std::nullopt;
  auto outcome = of_answer(*answer);
  outcome.reason += ", at the second attempt";
  return outcome;
}

// The proxy opened the tunnel when it was asked again. How far that attempt came decides.
std::optional<Outcome> opened_at_the_second_attempt(const Check& check) {
  const auto tunnels = cited<ProxyObservation>(check);
  if (tunnels.empty() || tunnels.back()->status < 500) return std::nullopt;
  const auto again = tunnel_once_more(tunnels.back());
  if (!again || (*again)->error) return std::nullopt;
  const auto& because = check.observations[static_cast<std::size_t>(again->index)].follow_up;
  for (const auto& tls : cited<TlsObservation>(check, Part::experiments))
    if (check.observations[static_cast<std::size_t>(tls.index)].follow_up == because && tls->verified)
      return pass(
          fmt::format("reached at the second attempt; the proxy's first answer was {}", tunnels.back()->status));
  return undecided(
      fmt::format("the proxy's first answer was {}, and the second attempt came no further than the tunnel",
                  tunnels.back()->status));
}

// The first try was lost and a second one of that layer was not; what lies above was not tried.
std::optional<Outcome> of_a_second_try(const Check& check, const Report& report) {
  const auto handshakes = cited<TlsObservation>(check);
  if (!handshakes.empty()) {
    const auto& tls = *handshakes.back();
    if (!was_cut(tls) || !answered_again(check, tls)) return std::nullopt;
    return undecided("the handshake was cut once and answered at the second try; nothing above it was tried");
  }
  const auto tried = cited<TcpObservation>(check);
  const bool lost = std::ranges::any_of(tried, [&](const auto& tcp) { return was_only_lost(report.checks, tcp); });
  if (!lost || connected(check)) return std::nullopt;
  return undecided("the first connection got no answer and further ones were made; nothing above was tried");
}

// Of a name that need not exist.
std::string_view why_without_address(const Check& check) {
  if (!cited<ProxyObservation>(check).empty()) return "the proxy does not find the name";
  const auto asked = cited<DnsObservation>(check);
  const bool told = std::ranges::any_of(asked, [](const auto& dns) { return got_through(*dns) && dns->rcode; });
  return told ? "the name leads nowhere here" : "no DNS server answered for the name";
}

Outcome of_climb(const Check& check, const Report& report) {
  if (const auto answers = answers_of(check); !answers.empty()) return of_answer(answers.back());
  const auto udp = cited<UdpObservation>(check);
  if (!udp.empty() && !udp.back()->error)
    return udp.back()->answered
               ? pass("answered")
               : undecided(
                     fmt::format("no error came back; without a known protocol UDP {} can be disproved, never proved "
                                 "(udp.unverifiable)",
                                 udp.back()->remote.port));
  if (!udp.empty() && refused_by_its_host(*udp.back()))
    return undecided(fmt::format("{} itself says that nothing listens on UDP {}", udp.back()->remote.address,
                                 udp.back()->remote.port));
  const auto tls = cited<TlsObservation>(check);
  if (!tls.empty() && tls.back()->verified && check.target.protocol == "tls") return of_tls(tls.back());
  const bool to_tcp = check.target.protocol == "tcp";
  const auto attempts = cited<TcpObservation>(check);
  const auto made = std::ranges::find_if(attempts, [](const auto& tcp) { return !tcp->error; });
  if (to_tcp && made != attempts.end())
    return pass(fmt::format("connected to {} in {}", to_string((*made)->remote), words((*made)->duration)));
  if (check.target.protocol == "dns" && resolved(check)) return of_addresses(check);
  if (may_not_exist(check))
    return undecided(fmt::format("{}; that it should exist is not certain, so nothing follows from that",
                                 why_without_address(check)));
  if (owes_no_answer(check)) {
    const bool refused = !attempts.empty() && attempts.front()->error == TcpFailure::refused;
    return undecided(fmt::format(
        "{}; {}, so nothing follows from that", refused ? "refused" : "not reached",
        check.target.owes == TargetOwes::host ? "nobody need listen there" : "one feature needs it and no check does"));
  }
  if (ends_at_dns(check) && answered_later(check))
    return undecided("its name got an answer only when it was asked again; nothing further was tried");
  if (auto second = of_a_second_try(check, report)) return *second;
  for (const auto attempt : {opened_at_the_second_attempt, answered_at_the_second_attempt})
    if (auto outcome = attempt(check)) return *outcome;
  return unexplained(check);
}

// --- Checks of the node itself --------------------------------------------------------------------------------------

// The address that a service saw, with who said it (azure-facts 9.3).
std::optional<std::string> egress_address(const Report& report) {
  for (const auto& answer : answers_of(all_checks(report))) {
    const auto* info = answer.header("x-ms-keyvault-network-info");
    if (!info) continue;
    const auto at = info->find("addr=");
    if (at == std::string::npos) continue;
    return fmt::format("{} (seen by {})", info->substr(at + 5, info->find(';', at) - at - 5),
                       answer.check->target.host);
  }
  for (const auto& imds : cited<ImdsObservation>(all_checks(report)))
    if (!imds->public_addresses.empty()) return fmt::format("{} (configured, by IMDS)", imds->public_addresses.front());
  return std::nullopt;
}

Outcome of_value(const std::optional<Sourced<std::string>>& value, std::string_view what) {
  if (value && !value->value.empty()) return pass(fmt::format("{} ({})", value->value, value->source));
  return undecided(fmt::format("no source names the {}", what));
}

Outcome of_subnet(const Report& report) {
  for (const auto& imds : cited<ImdsObservation>(all_checks(report)))
    if (!imds->subnets.empty()) return pass(imds->subnets.front() + " (IMDS)");
  for (const auto& address : report.node.addresses)
    if (!address.value.starts_with("127.") && !address.value.starts_with("::1") && !address.value.starts_with("fe80"))
      return pass(address.value + " (kernel)");
  return undecided("no address but loopback");
}

Outcome of_clock(const HostObservation& host) {
  if (!host.clock) return undecided("the clock could not be read");
  return pass(host.clock->synchronised
                  ? "synchronised, and no other host contradicts it"
                  : "no other host contradicts it (the kernel was not told that it is synchronised)");
}

Outcome of_disk(const HostObservation& host) {
  if (host.disks.empty()) return undecided("no disk could be read");
  std::vector<std::string> rooms;
  for (const auto& disk : host.disks)
    rooms.push_back(fmt::format("{} {:.1f} GB free", disk.path, static_cast<double>(disk.bytes_available) / 1e9));
  return pass(fmt::format("{}", fmt::join(rooms, ", ")));
}

Outcome of_proxies(const HostObservation& host) {
  if (host.proxies.empty()) return pass("no proxy is set");
  std::set<std::string> values;
  for (const auto& setting : host.proxies)
    if (setting.variable != "no_proxy") values.insert(setting.value);
  return pass(values.empty() ? "no proxy is set" : fmt::format("{}", fmt::join(values, ", ")));
}

Outcome of_routes(const HostObservation& host) {
  for (const auto& route : host.routes)
    if (route.destination == "0.0.0.0/0" && route.type == "unicast")
      return pass(fmt::format("default route through {}", route.gateway.empty() ? route.interface : route.gateway));
  return undecided("no default route, and nothing that needed one failed");
}

// A rule that stops direct connections breaks nothing where all that is needed goes through a proxy; what it breaks is
// host.firewall.output_drop's to say.
Outcome of_output_filter(const FilterVerdict& filter) {
  if (filter.ruling == FilterRuling::accepts) return pass("no rule of this node stops new connections to TCP 443");
  if (filter.ruling == FilterRuling::unknown)
    return undecided(fmt::format("a rule decides by where a connection goes, or whose it is: {}", filter.rule));
  return undecided(
      fmt::format("{} stops direct connections to TCP 443, which is in order where a proxy makes them", filter.rule));
}

Outcome of_host(const HostObservation& host) {
  switch (host.topic) {
    case HostTopic::os:
      return host.os ? pass(fmt::format("{}, kernel {}", host.os->pretty_name, host.os->kernel))
                     : undecided("os-release could not be read");
    case HostTopic::clock:
      return of_clock(host);
    case HostTopic::ca_store:
      return host.ca_store
                 ? pass(fmt::format("{} certificates in {}", host.ca_store->certificates, host.ca_store->path))
                 : undecided("no store was found");
    case HostTopic::disk:
      return of_disk(host);
    case HostTopic::interfaces:
      return pass("no local range covers an address that a name resolved to");
    case HostTopic::routes:
      return of_routes(host);
    case HostTopic::proxies:
      return of_proxies(host);
    case HostTopic::listeners: {
      const bool listens = !host.listeners.empty();
      return listens ? pass("something listens") : undecided("nothing listens");
    }
    case HostTopic::resolvers:
    case HostTopic::docker_bridge:
    case HostTopic::kernel:
    case HostTopic::agents:
    case HostTopic::input_filter:
      break;
    case HostTopic::output_filter:
      return of_output_filter(*host.output_filter);
  }
  return pass("read");
}

Outcome of_imds(const Check& check, const ImdsObservation& imds) {
  if (!imds.error) return pass(fmt::format("answered as {}", imds.name.value_or("a virtual machine")));
  if (imds.error == ImdsFailure::http_status) return pass(fmt::format("answers, with {}", imds.status));
  if (!check.required)
    return undecided("no answer; this does not look like a virtual machine of Azure, so none is owed");
  return {Verdict::fail, "no answer"};
}

Outcome of_wireserver(const Check& check) {
  const auto doors = cited<WireserverObservation>(check);
  const auto open = std::ranges::find_if(doors, [](const auto& door) { return !door->tcp.error && !door->error; });
  if (open != doors.end()) return pass(fmt::format("answered {}", (*open)->status));
  if (doors.front()->uid != 0)
    return undecided(
        "not decidable without root: on a healthy machine the agent's own rules drop everybody else "
        "(wireserver.inconclusive_not_root)");
  return undecided("no answer; without an answer from IMDS it is not known whether this is a machine of Azure");
}

Outcome of_resolver(const Check& check, const Cited<DnsObservation>& dns, const Report& report) {
  if (!dns->error) return pass(fmt::format("answered in {}", words(dns->duration)));
  if (dns->rcode) return pass(fmt::format("answers ({})", *dns->rcode));
  for (const auto& again : cited<DnsObservation>(check, Part::experiments))
    if (again->rcode) return pass("answers over TCP");
  if (dns->server && is_v6(dns->server->address) && dns->error == DnsFailure::unreachable && !has_global_v6(report))
    return {Verdict::skip, "not applicable because this node has no IPv6"};
  const auto asked = cited<DnsObservation>(all_checks(report));
  const bool answers_others = std::ranges::any_of(
      asked, [&](const auto& one) { return one->server && one->server == dns->server && one->rcode; });
  if (answers_others) return pass("answers other questions of this run");
  const bool only_stubs_answer = std::ranges::none_of(
      asked, [&](const auto& one) { return one->server && one->rcode && !is_stub(report, *one->server); });
  if (only_stubs_answer && library_resolves(report))
    return pass("names resolve, and this agent gets no answer from it in time");
  return undecided("no answer");
}

// What this node refused to send, whoever made the rule: the first such target.
std::optional<std::string> refused_locally(const Report& report) {
  for (const auto& tcp : cited<TcpObservation>(all_checks(report), Part::everything)) {
    const bool by_icmp = tcp->error == TcpFailure::refused && tcp->icmp && tcp->icmp->offender_is_self;
    const bool own = is_at_home(report, tcp->remote.address);
    if (!own && (could_not_send(*tcp) || by_icmp)) return to_string(tcp->remote);
  }
  for (const auto& udp : cited<UdpObservation>(all_checks(report), Part::everything))
    if (udp->errno_name == "EPERM" || (udp->icmp && udp->icmp->offender_is_self)) return to_string(udp->remote);
  for (const auto& server : servers_of(report))
    if (const auto& stopped = server.stopped;
        stopped && (stopped->by == StoppedBy::own_filter || stopped->by == StoppedBy::own_rejection))
      return to_string(server.endpoint);
  return std::nullopt;
}

Outcome of_node(const Check& check, const Report& report) {
  if (check.id == "node.firewall") {
    if (const auto refused = refused_locally(report))
      return undecided(
          fmt::format("this node refused to send to {}; which rule does so is not decidable without root", *refused));
    return undecided("not decidable without root; nothing that was refused locally was seen (probe.not_permitted)");
  }
  if (check.id == "node.region") return of_value(report.node.region, "region");
  if (check.id == "node.subscription") return of_value(report.node.subscription, "subscription");
  if (check.id == "node.subnet") return of_subnet(report);
  if (check.id == "egress.address") {
    const auto address = egress_address(report);
    return address ? pass(*address) : undecided("no service in this plan tells it");
  }
  return undecided(check.reason.empty() ? "nothing was observed" : check.reason);
}

// The control connection and the control question to 192.0.2.0/24.
Outcome of_egress_path(const Check& check) {
  for (const auto& tcp : cited<TcpObservation>(check, Part::experiments))
    if (!tcp->error) return pass("a device on the path answers TCP for every address");
  for (const auto& dns : cited<DnsObservation>(check, Part::experiments))
    if (dns->rcode) return pass("something on the path answers DNS for every address");
  return pass("nothing on the path answers in the place of others");
}

}  // namespace

Outcome outcome_without_finding(const Check& check, const Report& report) {
  if (check.observations.empty()) return of_node(check, report);
  if (check.id == "egress.path") return of_egress_path(check);
  if (const auto wireserver = cited<WireserverObservation>(check); !wireserver.empty()) return of_wireserver(check);
  if (const auto imds = cited<ImdsObservation>(check); !imds.empty()) return of_imds(check, *imds.back());
  if (check.id.starts_with("node.resolver/"))
    if (const auto dns = cited<DnsObservation>(check); !dns.empty()) return of_resolver(check, dns.front(), report);
  if (const auto host = cited<HostObservation>(check); !host.empty()) {
    if (!host.front()->error || host.front()->os || host.front()->ca_store || !host.front()->disks.empty())
      return of_host(*host.front());
    return undecided(fmt::format("{} could not be read", boost::describe::enum_to_string(host.front()->topic, "it")));
  }
  return of_climb(check, report);
}

}  // namespace vnetprobe
