#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/follow_ups.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;
using Tls = Cited<TlsObservation>;

constexpr int hops_at_most = 30;

bool uses_proxy(const Check& check) { return check.proxy || !cited<ProxyObservation>(check).empty(); }

bool path_known(const Check& check, PathPacket packet) {
  const auto paths = cited<PathObservation>(check, Part::everything);
  return std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return path->packet == packet; });
}

// A local filter that covers UDP says so at once (EPERM), where TCP only falls silent; and the SYN's way shows how far
// packets come.
std::vector<FollowUp> after_silence(const Check& check, const Tcp& tcp) {
  const std::string where = to_string(tcp->remote);
  std::vector<FollowUp> questions;
  if (cited<UdpObservation>(check, Part::everything).empty())
    questions.push_back({.kind = FollowUpKind::udp_same_target,
                         .server = tcp->remote,
                         .because = where + " is silent; does this node let a datagram to it out?"});
  if (!tcp->instead_of && !path_known(check, PathPacket::syn))
    questions.push_back({.kind = FollowUpKind::path_syn,
                         .server = tcp->remote,
                         .hops = hops_at_most,
                         .because = where + " is silent; how far do packets to it come?"});
  return questions;
}

// A refusal without an ICMP error came as a reset: from the host, or from something before it. A port that nobody asks
// for shows how far away the host is.
std::vector<FollowUp> after_refusal(const Check& check, const Tcp& tcp) {
  if (tcp->icmp || tcp->instead_of || path_known(check, PathPacket::syn)) return {};
  constexpr std::uint16_t other_port = 33434;  // what traceroute asks for: nothing listens there
  return {{.kind = FollowUpKind::path_syn,
           .server = tcp->remote,
           .hops = hops_at_most,
           .because = to_string(tcp->remote) + " refuses; from which distance?"},
          {.kind = FollowUpKind::path_syn,
           .server = Endpoint{tcp->remote.address, other_port},
           .hops = hops_at_most,
           .because = tcp->remote.address + " refuses; how far away is it, seen by another port?"}};
}

bool was_cut(const TlsObservation& tls) {
  return tls.error == TlsFailure::reset || tls.error == TlsFailure::closed || tls.error == TlsFailure::timed_out ||
         tls.error == TlsFailure::protocol;
}

bool alert_of_version_or_cipher(const TlsObservation& tls) {
  return tls.error == TlsFailure::alert &&
         (tls.alert_received == "handshake_failure" || tls.alert_received == "protocol_version" ||
          tls.alert_received == "internal_error");
}

std::vector<FollowUp> packet_size(const std::string& what) {
  return {{.kind = FollowUpKind::same_again, .because = what + "; does it again?"},
          {.kind = FollowUpKind::small_segments, .because = what + "; does it with segments of 1200 bytes?"}};
}

std::vector<FollowUp> after_handshake(const Check& check, const Tls& tls) {
  const std::string where = to_string(tls->remote);
  const auto tried = cited<TlsObservation>(check, Part::experiments);
  std::vector<FollowUp> questions;
  const auto tcps = cited<TcpObservation>(check);
  const bool replaced =
      std::any_of(tcps.begin(), tcps.end(), [](const Tcp& tcp) { return tcp->instead_of.has_value(); });
  if (tried.empty()) {
    if (was_cut(*tls) && !tls->sni.empty())
      questions.push_back({.kind = FollowUpKind::tls_without_name,
                           .server = tls->remote,
                           .because = "the handshake for " + tls->sni + " is cut; is one without a name?"});
    questions.push_back({.kind = FollowUpKind::tls_only_12,
                         .server = tls->remote,
                         .because = "the handshake with " + where + " fails; does it with TLS 1.2 only?"});
    if (tls->error == TlsFailure::timed_out)
      for (auto& question : packet_size("the handshake with " + where + " stalls")) questions.push_back(question);
    else if (was_cut(*tls))
      questions.push_back({.kind = FollowUpKind::same_again,
                           .because = "the handshake for " + tls->sni + " with " + where + " is cut; is it again?"});
  }
  if (!was_cut(*tls) || replaced) return questions;
  if (!path_known(check, PathPacket::syn)) {
    questions.push_back({.kind = FollowUpKind::path_syn,
                         .server = tls->remote,
                         .hops = hops_at_most,
                         .because = "the handshake with " + where + " is cut; how far away is it?"});
  } else if (!path_known(check, PathPacket::client_hello)) {
    const auto paths = cited<PathObservation>(check, Part::experiments);
    if (paths.front()->reached_at && *paths.front()->reached_at > 1)
      questions.push_back({.kind = FollowUpKind::path_client_hello,
                           .server = tls->remote,
                           .name = tls->sni,
                           .hops = *paths.front()->reached_at,
                           .because = "the handshake with " + where + " is cut; at which distance?"});
  }
  return questions;
}

std::vector<FollowUp> after_request(const Check& check, const Cited<HttpObservation>& http) {
  if (http->error != HttpFailure::timed_out) return {};
  const auto tried = cited<HttpObservation>(check, Part::experiments);
  return tried.empty() ? packet_size("no answer to the request to " + check.target.host) : std::vector<FollowUp>{};
}

// --- Across checks --------------------------------------------------------------------------------------------------

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
// and where it gets no answer, the same in small ones.
std::optional<FollowUp> with_a_big_request(const Check& check) {
  const auto tried = cited<HttpObservation>(check, Part::experiments);
  if (tried.empty())
    return FollowUp{.kind = FollowUpKind::big_request,
                    .because = "small requests pass; does one that fills several packets?"};
  if (tried.size() == 1 && tried.front()->error == HttpFailure::timed_out)
    return FollowUp{
        .kind = FollowUpKind::big_request_in_small_segments,
        .because = "a request that fills several packets gets no answer; does it in packets of 1200 bytes?"};
  return std::nullopt;
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

// Silence towards the internet, and a proxy that nobody told this program about.
std::optional<CrossQuestion> with_the_proxy(const std::vector<Check>& checks) {
  const auto proxy = proxy_elsewhere(checks);
  if (proxy.empty() || std::any_of(checks.begin(), checks.end(), uses_proxy)) return std::nullopt;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto& check = checks[i];
    const auto tried = cited<TcpObservation>(check);
    const bool silent = !tried.empty() && std::all_of(tried.begin(), tried.end(), [](const Tcp& tcp) {
      return tcp->error == TcpFailure::timed_out && is_public(tcp->remote.address);
    });
    if (!silent || !check.finished || check.target.url.empty()) continue;
    FollowUp question{.kind = FollowUpKind::through_proxy,
                      .name = proxy,
                      .because = fmt::format("{} is silent; can the proxy {} reach it?", endpoint_of(check), proxy)};
    const bool known = std::any_of(check.observations.begin(), check.observations.end(),
                                   [&](const Observation& one) { return one.follow_up == question.because; });
    if (known) return std::nullopt;
    return CrossQuestion{i, std::move(question)};
  }
  return std::nullopt;
}

}  // namespace

std::vector<FollowUp> transport_questions(const Check& check) {
  if (uses_proxy(check)) return {};
  if (const auto http = cited<HttpObservation>(check); !http.empty()) return after_request(check, http.back());
  if (const auto handshakes = cited<TlsObservation>(check); !handshakes.empty()) {
    const auto& last = handshakes.back();
    const bool ask = was_cut(*last) || alert_of_version_or_cipher(*last);
    return ask ? after_handshake(check, last) : std::vector<FollowUp>{};
  }
  const auto attempts = cited<TcpObservation>(check);
  if (attempts.empty() || connected(check)) return {};
  const auto& first = attempts.front();
  if (first->error == TcpFailure::timed_out) return after_silence(check, first);
  if (first->error == TcpFailure::refused) return after_refusal(check, first);
  return {};
}

std::vector<CrossQuestion> cross_questions(const std::vector<Check>& checks) {
  std::vector<CrossQuestion> questions;
  std::optional<std::size_t> private_side, public_side;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (auto other = with_another_name(checks, checks[i])) questions.push_back({i, std::move(*other)});
    if (!answered_request(checks[i])) continue;
    auto& side = checks[i].target.private_endpoint ? private_side : public_side;
    if (!side) side = i;
  }
  if (auto proxy = with_the_proxy(checks)) questions.push_back(std::move(*proxy));
  // Once for each way of leaving the node.
  for (const auto& side : {private_side, public_side})
    if (side)
      if (auto big = with_a_big_request(checks[*side])) questions.push_back({*side, std::move(*big)});
  return questions;
}

}  // namespace vnetprobe
