#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/experiments.hpp"
#include "reports/diagnosis/icmp.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

using Tunnel = Cited<ProxyObservation>;

// Whether the proxy's own words of a failure contain one of these.
bool mentions(const ProxyObservation& proxy, std::initializer_list<std::string_view> telltales) {
  const auto in = [&](std::string_view text) {
    return std::ranges::any_of(telltales,
                               [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
  };
  return in(proxy.body_excerpt) || in(proxy.reason) ||
         std::ranges::any_of(proxy.headers, [&](const HttpHeader& header) { return in(header.value); });
}

// What the proxy itself says of its refusal: squid's own header, RFC 9209's, the title of a page, or plain words.
std::string own_words(const ProxyObservation& proxy) {
  constexpr std::size_t longest = 200;
  for (const auto name : {"X-Squid-Error", "Proxy-Status"})
    if (const auto* value = value_of(proxy.headers, name)) return value->substr(0, longest);
  const std::string_view page = proxy.body_excerpt;
  if (!page.starts_with('<')) return std::string(page.substr(0, longest));
  constexpr std::string_view tag = "<title>";
  const auto begin = page.find(tag);
  const auto title = begin == std::string_view::npos ? std::string_view{} : page.substr(begin + tag.size());
  return std::string(title.substr(0, std::min(title.find('<'), longest)));
}

bool mentions_dns(const ProxyObservation& proxy) {
  return mentions(proxy, {"ERR_DNS_FAIL", "DNS", "Name Error", "resolve", "Unknown host", "no such host",
                          "Name or service not known", "ENOTFOUND"});
}

bool mentions_a_refusal(const ProxyObservation& proxy) {
  return mentions(proxy, {"refused", "ECONNREFUSED", "Errno 111", "(111)", "ERR_CONNECT_FAIL 111"});
}

std::string words_of_failure(const DnsObservation& dns) {
  return dns.rcode.value_or(dns.detail.value_or("no answer in " + words(dns.duration)));
}

bool is_rejected_on_the_way(const TcpObservation& tcp, const Report& report) {
  const auto whose = tcp.icmp ? who_rejects(*tcp.icmp, tcp.remote.address) : Rejecter::nobody;
  return (whose == Rejecter::this_node || whose == Rejecter::device) && !is_at_home(report, tcp.remote.address);
}

// A rule on the way that says so itself is blamed, and not the proxy behind it.
void blame_whose_rule_it_is(const Cited<TcpObservation>& tcp, Finding& finding) {
  const auto place = to_string(tcp->remote);
  if (tcp->icmp->offender_is_self) {
    finding.code = "tcp.refused_locally";
    finding.subject = place;
  } else {
    finding.code = "tcp.refused_by_middlebox";
    finding.subject = tcp->icmp->offender;
    finding.values = {{"what", "connections to the proxy " + place},
                      {"port", std::to_string(tcp->remote.port)},
                      {"host", tcp->remote.address},
                      {"target", place}};
  }
  finding.values.push_back(consequence_for_proxy(tcp->remote));
}

// The proxy itself cannot be reached: whatever goes through it fails for that one reason.
std::vector<Finding> unreachable(const Evidenced& evidence) {
  std::map<std::string, Finding> by_proxy;
  std::map<std::string, Cited<TcpObservation>> rejected;  // the first attempt of which somebody says so
  for (const auto* check : evidence.open) {
    if (!check->proxy || !check->finished) continue;
    const auto attempts = cited<TcpObservation>(*check);
    const auto names = cited<DnsObservation>(*check);  // of the proxy: its name stands before the target's
    const bool no_address = attempts.empty() && !names.empty() && ends_at_dns(*check);
    if (!no_address && (attempts.empty() || std::ranges::any_of(attempts, [](const auto& tcp) { return !tcp->error; })))
      continue;
    auto& finding = by_proxy
                        .try_emplace(*check->proxy, Finding{.code = "proxy.unreachable",
                                                            .subject = *check->proxy,
                                                            .confidence = Confidence::proven})
                        .first->second;
    finding.checks.push_back(check->id);
    finding.values = {{"proxy", *check->proxy}};
    for (const auto& tcp : attempts) {
      if (is_rejected_on_the_way(*tcp, evidence.report)) rejected.emplace(*check->proxy, tcp);
      finding.evidence.push_back(tcp.says(fmt::format(
          "no connection to the proxy at {}: {}{}", to_string(tcp->remote), tcp->errno_name.value_or("no answer"),
          tcp->icmp ? fmt::format(" (ICMP {}/{} from {})", tcp->icmp->type, tcp->icmp->code, tcp->icmp->offender)
                    : "")));
    }
    if (no_address)
      finding.evidence.push_back(names.front().says(fmt::format(
          "the proxy's name {} has no address: {}", names.front()->name, words_of_failure(*names.front()))));
  }
  // The node's proxy is what failed; what goes through it waits for it.
  const auto* of_node = check_named(evidence.report, "node.proxy");
  std::vector<Finding> findings;
  for (auto& [proxy, finding] : by_proxy) {
    let_one_stand_for_all(evidence.report, finding);
    if (of_node) finding.checks.push_back(of_node->id);
    if (const auto said = rejected.find(proxy); said != rejected.end()) blame_whose_rule_it_is(said->second, finding);
    findings.push_back(std::move(finding));
  }
  return findings;
}

struct ProxyRefusal {
  std::string code, words;
  Confidence confidence;
};

ProxyRefusal read_refusal(const ProxyObservation& proxy) {
  if (proxy.error == ProxyFailure::timed_out)
    return {"proxy.connect_timeout", "the proxy did not answer CONNECT in time", Confidence::likely};
  if (proxy.error != ProxyFailure::denied)
    return {"proxy.unreachable", "the connection to the proxy broke during CONNECT, or it does not speak HTTP",
            Confidence::likely};
  if (proxy.status == 407)
    return {"proxy.auth_required",
            fmt::format("407, it offers {}", proxy.authentication_schemes.empty()
                                                 ? "no scheme"
                                                 : fmt::format("{}", fmt::join(proxy.authentication_schemes, ", "))),
            Confidence::proven};
  if (proxy.status >= 500 && mentions_dns(proxy))
    return {"proxy.dns_failed", fmt::format("{}: the proxy could not resolve the name", proxy.status),
            Confidence::likely};
  if (proxy.status >= 500)
    return {"proxy.connect_timeout", fmt::format("{}: the proxy could not reach the target", proxy.status),
            Confidence::likely};
  return {"proxy.connect_denied", fmt::format("{} {}: the proxy refuses this destination", proxy.status, proxy.reason),
          Confidence::proven};
}

// The proxy reaches the address of a name that it does not reach.
std::optional<Evidence> works_by_address(const Tunnel& by_name) {
  for (const auto& tunnel : cited<ProxyObservation>(*by_name.check, Part::experiments))
    if (!tunnel->error && !tunnel->user_agent && tunnel->target != by_name->target)
      return tunnel.says(fmt::format("by its address, {}, the proxy reaches it", tunnel->target));
  return std::nullopt;
}

// What the proxy refuses is private, and directly it answers: it should never have been asked.
std::optional<Evidence> private_and_works_directly(const Cited<ProxyObservation>& tunnel) {
  for (const auto& tcp : cited<TcpObservation>(*tunnel.check, Part::experiments))
    if (!tcp->error && is_private(meant_address(tcp)) && tcp->remote != tunnel->remote)
      return tcp.says(fmt::format("directly, {} answers", to_string(tcp->remote)));
  return std::nullopt;
}

std::vector<Finding> asked_for_private_names(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open)) {
    if (!tunnel->error || tunnel->status == 407) continue;
    const auto direct = private_and_works_directly(tunnel);
    if (!direct) continue;
    findings.push_back({.code = "proxy.bypass_missing",
                        .subject = tunnel.check->target.host,
                        .confidence = Confidence::proven,
                        .checks = {tunnel.check->id},
                        .evidence = {tunnel.says(fmt::format("CONNECT {} through {}: {}", tunnel->target, tunnel->proxy,
                                                             read_refusal(*tunnel).words)),
                                     *direct},
                        .values = {{"proxy", tunnel->proxy}}});
  }
  std::vector<std::string> hosts;
  for (const auto& finding : findings) add_once(hosts, "," + finding.subject);
  for (auto& finding : findings) finding.values.emplace_back("hosts", fmt::format("{}", fmt::join(hosts, "")));
  return as_one(std::move(findings));
}

// Whether a browser was let through where this agent was not: yes, no, or nobody asked.
std::optional<bool> browser_passes(const Cited<ProxyObservation>& tunnel) {
  for (const auto& browser : cited<ProxyObservation>(*tunnel.check, Part::experiments))
    if (browser->user_agent && browser->target == tunnel->target) return !browser->error;
  return std::nullopt;
}

// The same destination, the same minute, another User-Agent: the tunnel is there. One destination of each proxy that
// was asked so speaks for those that were not; one that a browser does not reach either is another matter.
std::vector<Finding> proxy_minds_who_asks(const Evidenced& evidence) {
  std::map<std::string, Finding> by_proxy;
  const auto refused = [](const auto& tunnel) { return tunnel->status == 403; };
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open)) {
    if (!refused(tunnel) || browser_passes(tunnel) != true) continue;
    auto& finding = by_proxy[tunnel->proxy];
    finding.code = "http.user_agent_filtered";
    finding.subject = tunnel->proxy;
    finding.confidence = Confidence::likely;
    finding.evidence.push_back(tunnel.says(
        fmt::format("CONNECT {}: {} for vnetprobe, and a tunnel for a browser", tunnel->target, tunnel->status)));
  }
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open))
    if (const auto found = by_proxy.find(tunnel->proxy);
        found != by_proxy.end() && refused(tunnel) && browser_passes(tunnel).value_or(true))
      found->second.checks.push_back(tunnel.check->id);
  std::vector<Finding> findings;
  for (auto& [proxy, finding] : by_proxy) findings.push_back(std::move(finding));
  return findings;
}

// The proxy was refused by the destination, and so was this node on its own way there: two ways, one end.
std::vector<Finding> destination_refuses_both_ways(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open)) {
    if (!tunnel->error || tunnel->status < 500 || !mentions_a_refusal(*tunnel)) continue;
    for (const auto& direct : cited<TcpObservation>(*tunnel.check, Part::experiments)) {
      if (direct->error != TcpFailure::refused || direct->icmp || direct->remote == tunnel->remote) continue;
      findings.push_back({.code = "tcp.refused_by_host",
                          .subject = tunnel->target,
                          .confidence = Confidence::likely,
                          .checks = {tunnel.check->id},
                          .evidence = {tunnel.says(fmt::format("through {}: {} {}, {}", tunnel->proxy, tunnel->status,
                                                               tunnel->reason, own_words(*tunnel))),
                                       direct.says(fmt::format("without the proxy, {} refuses the connection as well",
                                                               to_string(direct->remote)))},
                          .values = {{"address", direct->remote.address}}});
      break;
    }
  }
  return findings;
}

bool opens_at_the_second_attempt(const Tunnel& tunnel) {
  const auto again = tunnel->status >= 500 ? tunnel_once_more(tunnel) : std::nullopt;
  return again && !(*again)->error;
}

// One gateway error of a proxy that opens the same tunnel a moment later: it works, and not always.
std::vector<Finding> tunnel_refused_once(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open)) {
    if (!opens_at_the_second_attempt(tunnel)) continue;
    findings.push_back({.code = "proxy.connect_timeout",
                        .subject = tunnel->proxy,
                        .confidence = Confidence::likely,
                        .checks = {tunnel.check->id},
                        .evidence = {tunnel.says(fmt::format("CONNECT {}: {}", tunnel->target, tunnel->status)),
                                     tunnel_once_more(tunnel)->says("asked again, the proxy opens the tunnel")},
                        .values = {{"proxy", tunnel->proxy}, {"status", std::to_string(tunnel->status)}},
                        .only_informs = true});
  }
  return findings;
}

std::vector<Finding> tunnel_refused(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tunnel : cited<ProxyObservation>(evidence.open)) {
    if (!tunnel->error || opens_at_the_second_attempt(tunnel) || may_not_exist(*tunnel.check)) continue;
    auto refusal = read_refusal(*tunnel);
    const auto by_address = works_by_address(tunnel);
    if (by_address)
      refusal = {"proxy.dns_failed", fmt::format("{}: it does not reach the name", tunnel->status), Confidence::likely};
    // Credentials and reachability are the proxy's affair; a refused destination is one matter for each host.
    const bool per_host = refusal.code == "proxy.connect_denied" || refusal.code == "proxy.dns_failed" ||
                          refusal.code == "proxy.connect_timeout";
    Finding finding{
        .code = refusal.code, .subject = per_host ? tunnel->target : tunnel->proxy, .confidence = refusal.confidence};
    finding.checks = {tunnel.check->id};
    finding.values = {{"proxy", tunnel->proxy}, {"status", std::to_string(tunnel->status)}};
    finding.evidence = {
        tunnel.says(fmt::format("CONNECT {} through {}: {}", tunnel->target, tunnel->proxy, refusal.words))};
    if (by_address) finding.evidence.push_back(*by_address);
    if (const auto said = own_words(*tunnel); !said.empty())
      finding.evidence.push_back(tunnel.says("in the proxy's own words: " + said));
    findings.push_back(std::move(finding));
  }
  // One rule set, one way out, one resolver of the proxy's behind all of them.
  findings = as_one(std::move(findings));
  for (auto& finding : findings) {
    const auto& proxy = finding.values.front().second;
    if (finding.subject != proxy) finding.subject = fmt::format("{} (for {})", proxy, finding.subject);
  }
  return findings;
}

bool is_shell_or_service(const ProxySetting& setting) {
  return setting.source.find("apt") == std::string::npos && setting.source.find("docker") == std::string::npos;
}

// Places that name different proxies for the same variable. Worth knowing, never a fault by itself.
std::vector<Finding> inconsistent(const Evidenced& evidence) {
  const auto facts = host_fact(evidence.report, HostTopic::proxies);
  if (!facts) return {};
  std::map<std::string, std::map<std::string, std::string>> values;  // variable -> value -> source
  for (const auto& setting : (*facts)->proxies)
    if (is_shell_or_service(setting)) values[setting.variable].emplace(setting.value, setting.source);
  std::vector<Finding> findings;
  for (const auto& [variable, sources] : values) {
    if (sources.size() < 2) continue;
    std::vector<std::string> places;
    for (const auto& [value, source] : sources) places.push_back(fmt::format("{} says {}", source, value));
    Finding finding{.code = "proxy.env_inconsistent", .subject = variable, .confidence = Confidence::proven};
    finding.checks = {facts->check->id};
    finding.evidence = {facts->says(fmt::format("{}", fmt::join(places, "; ")))};
    finding.only_informs = true;
    findings.push_back(std::move(finding));
  }
  return findings;
}

// http_proxy without the platform's addresses in no_proxy: programs that are less careful than this agent ask the proxy
// for IMDS.
std::vector<Finding> bypass_missing(const Evidenced& evidence) {
  const auto facts = host_fact(evidence.report, HostTopic::proxies);
  if (!facts) return {};
  bool proxied = false;
  std::string bypassed;
  for (const auto& setting : (*facts)->proxies) {
    if (!is_shell_or_service(setting)) continue;
    proxied =
        proxied || ((setting.variable == "http_proxy" || setting.variable == "all_proxy") && !setting.value.empty());
    if (setting.variable == "no_proxy") bypassed += "," + setting.value;
  }
  const auto lacks = [&](std::string_view address) {
    return bypassed.find(address) == std::string::npos && bypassed.find('*') == std::string::npos;
  };
  if (!proxied || (!lacks("169.254.169.254") && !lacks("168.63.129.16"))) return {};
  Finding finding{.code = "proxy.bypass_missing",
                  .subject = lacks("169.254.169.254") ? "169.254.169.254" : "168.63.129.16",
                  .confidence = Confidence::proven};
  finding.checks = {facts->check->id};
  finding.evidence = {facts->says("a proxy is set for plain HTTP and no_proxy does not name the platform's addresses")};
  finding.only_informs = true;
  return {std::move(finding)};
}

}  // namespace

std::span<const NamedRule> proxy_rules() {
  static constexpr std::array rules{NamedRule{"proxy.unreachable", unreachable},
                                    NamedRule{"proxy.asked_for_private_names", asked_for_private_names},
                                    NamedRule{"proxy.minds_who_asks", proxy_minds_who_asks},
                                    NamedRule{"proxy.destination_refuses_both_ways", destination_refuses_both_ways},
                                    NamedRule{"proxy.refused_once", tunnel_refused_once},
                                    NamedRule{"proxy.connect", tunnel_refused},
                                    NamedRule{"proxy.env_inconsistent", inconsistent},
                                    NamedRule{"proxy.bypass_missing", bypass_missing}};
  return rules;
}

}  // namespace vnetprobe
