#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/cited.hpp"
#include "reports/diagnosis/experiments.hpp"
#include "reports/diagnosis/follow_ups.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

using Tcp = Cited<TcpObservation>;
using Tls = Cited<TlsObservation>;

constexpr int hops_at_most = 30;

bool path_known(const Check& check, PathPacket packet) {
  const auto paths = cited<PathObservation>(check, Part::everything);
  return std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return path->packet == packet; });
}

// One silence may be one lost packet after another, or one of many servers behind an address.
std::optional<FollowUp> once_more(const Check& check, const Tcp& tcp) {
  if (tcp->instead_of || further_connections(check, tcp->remote).tried > 0) return std::nullopt;
  return FollowUp{.kind = FollowUpKind::tcp_again,
                  .server = tcp->remote,
                  .because = to_string(tcp->remote) + " is silent; is it to every one of five connections more?"};
}

// The check goes on by another address, and programs that take the first one wait.
std::vector<FollowUp> beside_a_connection(const Check& check) {
  const auto attempts = cited<TcpObservation>(check);
  const auto silent = std::ranges::find_if(
      attempts, [](const Tcp& tcp) { return tcp->error == TcpFailure::timed_out && !is_v6(tcp->remote.address); });
  if (silent == attempts.end() || !connected(check)) return {};
  const auto again = once_more(check, *silent);
  return again ? std::vector{*again} : std::vector<FollowUp>{};
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
  if (const auto again = once_more(check, tcp)) questions.push_back(*again);
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
                           .because = "the handshake " + (tls->sni.empty() ? "" : "for " + tls->sni + " ") + "with " +
                                      where + " is cut; is it again?"});
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

// Silence may be one of large packets; a connection that ends may have been the only one.
std::vector<FollowUp> after_request(const Check& check, const Cited<HttpObservation>& http) {
  if (!cited<HttpObservation>(check, Part::experiments).empty()) return {};
  if (http->error == HttpFailure::timed_out) return packet_size("no answer to the request to " + check.target.host);
  if (http->error == HttpFailure::reset || http->error == HttpFailure::closed)
    return {{.kind = FollowUpKind::same_again,
             .because = "the connection to " + check.target.host + " ended before an answer; does it again?"}};
  return {};
}

std::vector<FollowUp> after_the_last_layer(const Check& check) {
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

}  // namespace

bool uses_proxy(const Check& check) { return check.proxy || !cited<ProxyObservation>(check).empty(); }

std::vector<FollowUp> transport_questions(const Check& check) {
  if (uses_proxy(check) || owes_no_answer(check)) return {};
  auto questions = after_the_last_layer(check);
  for (auto& again : beside_a_connection(check)) questions.push_back(std::move(again));
  return questions;
}

}  // namespace vnetprobe
