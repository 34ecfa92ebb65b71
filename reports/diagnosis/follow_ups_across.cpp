#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/azure_dns_load.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/experiments.hpp"
#include "reports/diagnosis/follow_ups.hpp"
#include "reports/diagnosis/interception.hpp"

#include <algorithm>
#include <set>

// What only all checks together make worth asking.
namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;

constexpr std::string_view nobodys_address = "192.0.2.1";  // RFC 5737
constexpr int small_body_at_most = 1024;

// A name that this run has seen answered: a filter on names lets it pass.
std::string answered_name(const std::vector<Check>& checks, const std::string& but_not) {
  for (const auto& check : checks)
    for (const auto& tls : cited<TlsObservation>(check))
      if (!tls->error && tls->verified && !tls->sni.empty() && tls->sni != but_not) return tls->sni;
  return {};
}

std::optional<FollowUp> with_another_name(const std::vector<Check>& checks, const Check& check) {
  const auto handshakes = cited<TlsObservation>(check);
  if (handshakes.empty() || uses_proxy(check) || !was_cut(*handshakes.back())) return std::nullopt;
  const auto& tls = *handshakes.back();
  const auto name = answered_name(checks, tls.sni);
  if (name.empty() || tls.sni.empty()) return std::nullopt;
  for (const auto& tried : cited<TlsObservation>(check, Part::experiments))
    if (tried->sni == name) return std::nullopt;
  return FollowUp{
      .kind = FollowUpKind::tls_other_name,
      .server = tls.remote,
      .name = name,
      .because = fmt::format("the handshake for {} is cut at {}; is one for {}, which is answered elsewhere?", tls.sni,
                             to_string(tls.remote), name)};
}

bool answered_request(const Check& check) {
  const auto answers = cited<HttpObservation>(check);
  return !answers.empty() && !answers.back()->error && !cited<TlsObservation>(check).empty() && !uses_proxy(check);
}

// Uploads fail where only large packets out vanish, and nothing else shows it: one request that fills several packets,
// and where it gets no answer, the same once more (one lost packet is no black hole) and in small ones.
std::vector<FollowUp> with_a_big_request(const Check& check) {
  auto tried = cited<HttpObservation>(check, Part::experiments);
  std::erase_if(tried, [&](const auto& http) {
    return http->request_bytes || was_first_attempt(check.observations[static_cast<std::size_t>(http.index)]);
  });
  if (tried.empty())
    return {
        {.kind = FollowUpKind::big_request, .because = "small requests pass; does one that fills several packets?"}};
  if (tried.size() == 1 && tried.front()->error == HttpFailure::timed_out)
    return {{.kind = FollowUpKind::big_request,
             .because = "a request that fills several packets gets no answer; does it again?"},
            {.kind = FollowUpKind::big_request_in_small_segments,
             .because = "a request that fills several packets gets no answer; does it in packets of 1200 bytes?"}};
  return {};
}

// The proxy for HTTPS that some place on this node sets, where this run goes directly.
std::string proxy_elsewhere(const std::vector<Check>& checks) {
  for (const auto& check : checks)
    for (const auto& host : cited<HostObservation>(check))
      for (const auto& setting : host->proxies)
        if ((setting.variable == "https_proxy" || setting.variable == "all_proxy") && !setting.value.empty())
          return setting.value;
  return {};
}

// Nobody here says so: silence, a reset, or a device on the way that refuses.
bool is_stopped_outside(const TcpObservation& tcp) {
  const bool stopped = tcp.error == TcpFailure::timed_out || tcp.error == TcpFailure::refused ||
                       tcp.error == TcpFailure::reset || tcp.icmp;
  return stopped && !(tcp.icmp && tcp.icmp->offender_is_self) && is_public(tcp.remote.address);
}

// No way to the internet, and a proxy that nobody told this program about.
std::optional<CrossQuestion> with_the_proxy(const std::vector<Check>& checks) {
  const auto proxy = proxy_elsewhere(checks);
  if (proxy.empty() || std::any_of(checks.begin(), checks.end(), uses_proxy)) return std::nullopt;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto& check = checks[i];
    const auto tried = cited<TcpObservation>(check);
    const bool stopped =
        !tried.empty() && std::ranges::all_of(tried, [](const Tcp& tcp) { return is_stopped_outside(*tcp); });
    if (!stopped || !check.finished || check.target.url.empty()) continue;
    const bool silent = tried.front()->error == TcpFailure::timed_out;
    FollowUp question{.kind = FollowUpKind::through_proxy,
                      .name = proxy,
                      .because = fmt::format("{} {}; can the proxy {} reach it?", endpoint_of(check),
                                             silent ? "is silent" : "refuses", proxy)};
    const bool known = std::any_of(check.observations.begin(), check.observations.end(),
                                   [&](const Observation& one) { return one.follow_up == question.because; });
    if (known) return std::nullopt;
    return CrossQuestion{i, std::move(question)};
  }
  return std::nullopt;
}

// The control connection to an address where nobody can be was completed: something on the way reads what is inside
// (Azure Firewall refuses a handshake without SNI, azure-facts 9.2).
std::optional<CrossQuestion> without_a_name(const std::vector<Check>& checks) {
  const auto completes = [](const Check& check) {
    return std::ranges::any_of(cited<TcpObservation>(check, Part::experiments),
                               [](const Tcp& tcp) { return !tcp->error && tcp->remote.address == nobodys_address; });
  };
  if (std::ranges::none_of(checks, completes)) return std::nullopt;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto handshakes = cited<TlsObservation>(checks[i]);
    if (handshakes.empty() || !answered_request(checks[i]) || !handshakes.back()->verified) continue;
    if (!is_public(handshakes.back()->remote.address)) continue;
    if (!cited<TlsObservation>(checks[i], Part::experiments).empty()) return std::nullopt;
    return CrossQuestion{i,
                         {.kind = FollowUpKind::tls_without_name,
                          .server = handshakes.back()->remote,
                          .because = "something on the way completes connections itself; does it let a handshake "
                                     "without a name pass?"}};
  }
  return std::nullopt;
}

// Somebody on the way reads the requests, and may mind how they are made: every token is fetched with a POST.
std::optional<CrossQuestion> with_a_body(const std::vector<Check>& checks) {
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto handshakes = cited<TlsObservation>(checks[i]);
    const auto answers = cited<HttpObservation>(checks[i]);
    if (checks[i].target.service != Service::entra || handshakes.empty() || handshakes.back()->chain.empty()) continue;
    if (answers.empty() || answers.back()->error || is_expected_issuer(handshakes.back()->chain.front())) continue;
    const auto tried = [&](bool big) {
      return std::ranges::any_of(cited<HttpObservation>(checks[i], Part::experiments), [&](const auto& http) {
        return http->request_bytes && (*http->request_bytes > small_body_at_most) == big;
      });
    };
    const auto& issuer = handshakes.back()->chain.front().issuer;
    if (!tried(false))
      return CrossQuestion{i,
                           {.kind = FollowUpKind::as_post,
                            .because = fmt::format("{} reads the requests; does it let a POST pass?", issuer)}};
    if (!tried(true))
      return CrossQuestion{
          i,
          {.kind = FollowUpKind::as_big_post,
           .because = fmt::format("{} reads the requests; does it let 64 KiB of content pass?", issuer)}};
    return std::nullopt;
  }
  return std::nullopt;
}

// A proxy that opens tunnels to others and has no way to these at this moment: a gateway's hiccup, or a lasting one?
std::vector<CrossQuestion> through_the_proxy_again(const std::vector<Check>& checks) {
  constexpr std::size_t questions_at_most = 4;
  std::set<std::string> working;
  for (const auto& check : checks)
    for (const auto& tunnel : cited<ProxyObservation>(check))
      if (!tunnel->error) working.insert(tunnel->proxy);
  std::vector<CrossQuestion> questions;
  for (std::size_t i = 0; i < checks.size() && questions.size() < questions_at_most; ++i) {
    const auto tunnels = cited<ProxyObservation>(checks[i]);
    if (tunnels.empty() || tunnels.back()->status < 500 || !working.contains(tunnels.back()->proxy)) continue;
    if (tunnel_once_more(tunnels.back())) continue;
    questions.push_back(
        {i,
         {.kind = FollowUpKind::same_again,
          .because = fmt::format("{} answers {} for {}, and others pass; does it again?", tunnels.back()->proxy,
                                 tunnels.back()->status, tunnels.back()->target)}});
  }
  return questions;
}

// The kernel refused a datagram to a silent target: does it refuse every one? Then that says nothing about the silence.
std::optional<CrossQuestion> to_one_that_answers(const std::vector<Check>& checks) {
  const auto refused = [](const Cited<UdpObservation>& udp) { return udp->errno_name == "EPERM"; };
  const auto asks = [&](const Check& check) {
    return std::ranges::any_of(cited<UdpObservation>(check, Part::experiments), refused);
  };
  if (std::ranges::none_of(checks, asks)) return std::nullopt;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (!checks[i].finished || checks[i].target.port == 0) continue;
    const auto tried = cited<TcpObservation>(checks[i]);
    const auto made = std::ranges::find_if(tried, [](const Tcp& tcp) { return !tcp->error && !tcp->instead_of; });
    if (made == tried.end() || is_loopback((*made)->remote.address)) continue;
    if (!cited<UdpObservation>(checks[i], Part::everything).empty()) return std::nullopt;
    return CrossQuestion{i,
                         {.kind = FollowUpKind::udp_same_target,
                          .server = (*made)->remote,
                          .because = fmt::format("a datagram to a silent target is refused by this node; is one to "
                                                 "{}, which answers?",
                                                 to_string((*made)->remote))}};
  }
  return std::nullopt;
}

// What stopped the first climb and did not stop a second try of the same; empty: nothing.
std::string got_lost(const std::vector<Check>& checks, const Check& check) {
  // A request that was answered when it was made again has its own note: the server may have been slow.
  if (!cited<HttpObservation>(check).empty() || !cited<WebsocketObservation>(check).empty()) return {};
  if (const auto handshakes = cited<TlsObservation>(check); !handshakes.empty()) {
    const auto& tls = *handshakes.back();
    return was_cut(tls) && answered_again(check, tls) ? "the handshake was cut, and the same again was answered" : "";
  }
  const auto tried = cited<TcpObservation>(check);
  const bool lost = std::ranges::any_of(tried, [&](const Tcp& tcp) { return was_only_lost(checks, tcp); });
  return lost && !connected(check) ? "the connection got no answer, and further ones were made" : "";
}

// Programs try again, and so does this one where a second try shows that the first was bad luck.
std::optional<FollowUp> afresh(const std::vector<Check>& checks, const Check& check) {
  if (!check.finished) return std::nullopt;
  auto lost = got_lost(checks, check);
  if (lost.empty()) return std::nullopt;
  const bool known = std::ranges::any_of(
      check.observations, [&](const Observation& one) { return one.follow_up && one.follow_up->ends_with(lost); });
  if (known) return std::nullopt;
  return FollowUp{.kind = FollowUpKind::afresh, .because = std::move(lost)};
}

// Questions to Azure's DNS that came to nothing in the burst of a run's beginning: a few of them, once.
std::vector<CrossQuestion> when_it_is_quiet(const std::vector<Check>& checks) {
  constexpr std::size_t questions_at_most = 6;
  if (!is_suspicious(load_on_azure_dns(checks))) return {};
  std::vector<CrossQuestion> questions;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto own = cited<DnsObservation>(checks[i]);
    const auto first = std::ranges::find_if(own, was_silence_of_azure_dns);
    if (first == own.end()) continue;
    if (std::ranges::any_of(cited<DnsObservation>(checks[i], Part::experiments), goes_to_azure_dns)) return {};
    if (questions.size() == questions_at_most) continue;
    questions.push_back({i,
                         {.kind = FollowUpKind::dns_again,
                          .server = (*first)->server,
                          .because = fmt::format("{} did not answer for {} among many questions; does it now?",
                                                 azure_dns, (*first)->name)}});
  }
  return questions;
}

}  // namespace

std::vector<CrossQuestion> cross_questions(const std::vector<Check>& checks) {
  std::vector<CrossQuestion> questions;
  std::optional<std::size_t> private_side, public_side;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (auto other = with_another_name(checks, checks[i])) questions.push_back({i, std::move(*other)});
    if (auto again = afresh(checks, checks[i])) questions.push_back({i, std::move(*again)});
    if (!answered_request(checks[i])) continue;
    auto& side = checks[i].target.private_endpoint ? private_side : public_side;
    if (!side) side = i;
  }
  for (const auto ask : {when_it_is_quiet, through_the_proxy_again})
    for (auto& again : ask(checks)) questions.push_back(std::move(again));
  for (const auto ask : {without_a_name, with_a_body, to_one_that_answers})
    if (auto question = ask(checks)) questions.push_back(std::move(*question));
  if (auto proxy = with_the_proxy(checks)) questions.push_back(std::move(*proxy));
  // Once for each way of leaving the node.
  for (const auto& side : {private_side, public_side})
    if (side)
      for (auto& big : with_a_big_request(checks[*side])) questions.push_back({*side, std::move(big)});
  return questions;
}

}  // namespace vnetprobe
