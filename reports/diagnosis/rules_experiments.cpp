#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>
#include <array>
#include <set>

// What only an experiment separates: the same thing once more with one circumstance changed.
namespace vnetprobe {
namespace {

using Tls = Cited<TlsObservation>;

// The check's own handshake, where that is what failed.
std::optional<Tls> cut_handshake(const Check& check) {
  const auto handshakes = cited<TlsObservation>(check);
  if (handshakes.empty() || !was_cut(*handshakes.back()) || !check.finished) return std::nullopt;
  return handshakes.back();
}

std::string how(const TlsObservation& tls) {
  return tls.error == TlsFailure::timed_out ? "nothing came back"
         : tls.error == TlsFailure::reset   ? "the connection was reset"
                                            : "the connection was closed";
}

Finding about(const Check& check, std::string code, Confidence confidence) {
  return {.code = std::move(code),
          .subject = check.target.host,
          .confidence = confidence,
          .checks = {check.id},
          .values = {{"host", check.target.host}}};
}

// Experiments have a budget: what was cut in the same way on the same way out, and was not experimented with, shares
// the cause of what was. `tried` says of a check that its own experiments speak for themselves.
template <class Tried>
void add_untried(const Evidenced& evidence, TlsFailure failure, Tried tried, std::vector<Finding>& findings) {
  if (findings.empty()) return;
  const auto side = [](const Check& check) { return is_public(cited<TlsObservation>(check).back()->remote.address); };
  std::set<bool> sides;
  for (const auto& finding : findings)
    if (const auto* check = check_named(evidence.report, finding.checks.front())) sides.insert(side(*check));
  for (const auto* check : evidence.open) {
    const auto own = cut_handshake(*check);
    const bool known =
        std::ranges::any_of(findings, [&](const Finding& one) { return contains(one.checks, check->id); });
    if (!own || known || (*own)->error != failure || !sides.contains(side(*check)) || tried(*check)) continue;
    findings.front().dependants.push_back(check->id);
  }
}

// The handshake or the request stalls, stalls again, and passes in segments of 1200 bytes.
std::vector<Finding> large_packets_vanish(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto compared = compared_by_size(*check);
    if (!compared) continue;
    const auto requests = cited<HttpObservation>(*check);
    // What passed with a small request and stalls with a big one, each time that it is tried, is lost on the way out.
    const bool outward = !requests.empty() && !requests.back()->error;
    if (outward && compared->stalls < 2) continue;
    const auto tls = cut_handshake(*check);
    if (!outward && requests.empty() && (!tls || (*tls)->error != TlsFailure::timed_out)) continue;
    auto finding = about(*check, outward ? "mtu.blackhole_out" : "mtu.blackhole_in", Confidence::proven);
    finding.evidence = {compared->usual.says(outward ? "a request that fills several packets gets no answer, twice"
                                                     : "with packets of the usual size it stalls, twice"),
                        compared->small.says("in packets of 1200 bytes it passes")};
    findings.push_back(std::move(finding));
  }
  const bool inward = !findings.empty() && findings.front().code == "mtu.blackhole_in" &&
                      cut_handshake(*check_named(evidence.report, findings.front().checks.front()));
  if (inward)
    add_untried(
        evidence, TlsFailure::timed_out, [](const Check& check) { return was_compared_by_size(check); }, findings);
  return as_one(std::move(findings));
}

// One address, two names: the target's is cut, and again, another one gets a ServerHello. A busy server is no filter.
std::vector<Finding> name_is_filtered(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto own = cut_handshake(*check);
    if (!own || (*own)->sni.empty()) continue;
    std::optional<Tls> other, unnamed;
    for (const auto& tls : cited<TlsObservation>(*check, Part::experiments)) {
      if (tls->remote != (*own)->remote || !came_further(*tls, **own) || tls->offered_at_most) continue;
      if (tls->sni.empty())
        unnamed = tls;
      else if (tls->sni != (*own)->sni)
        other = tls;
    }
    if (!other && !unnamed) continue;
    if (!cut_again(*check, **own)) continue;
    auto finding = about(*check, "tls.sni_filtered", other ? Confidence::proven : Confidence::likely);
    finding.evidence = {
        own->says(fmt::format("{} for the name {}: {}", to_string((*own)->remote), (*own)->sni, how(**own)))};
    if (other)
      finding.evidence.push_back(other->says(fmt::format("the same address answers for the name {}", (*other)->sni)));
    if (unnamed) finding.evidence.push_back(unnamed->says("the same address answers a handshake without a name"));
    findings.push_back(std::move(finding));
  }
  if (!findings.empty()) {
    const auto* first = check_named(evidence.report, findings.front().checks.front());
    const auto another_name_was_tried = [](const Check& check) {
      const auto own = cut_handshake(check);
      const auto tried = cited<TlsObservation>(check, Part::experiments);
      return std::ranges::any_of(tried, [&](const Tls& tls) { return !tls->sni.empty() && tls->sni != (*own)->sni; });
    };
    add_untried(evidence, *(*cut_handshake(*first))->error, another_name_was_tried, findings);
  }
  return as_one(std::move(findings));
}

// The newest version of TLS is refused, or cut each time that it is tried, and 1.2 alone passes. Experiments have a
// budget: beside one handshake that was cut again, those that were not tried again are cut for the same reason.
std::vector<Finding> version_is_rejected(const Evidenced& evidence) {
  std::vector<Finding> findings;
  bool certain = false;
  for (const auto* check : evidence.open) {
    const auto handshakes = cited<TlsObservation>(*check);
    if (handshakes.empty() || !handshakes.back()->error || handshakes.back()->error == TlsFailure::unverified) continue;
    if (answered_again(*check, *handshakes.back())) continue;
    for (const auto& tls : cited<TlsObservation>(*check, Part::experiments)) {
      const bool ended = !tls->error || tls->error == TlsFailure::unverified;
      if (!tls->offered_at_most || !ended || tls->remote != handshakes.back()->remote) continue;
      auto finding = about(*check, "tls.version_rejected", Confidence::proven);
      finding.evidence = {handshakes.back().says("the handshake that offers TLS 1.3 fails"),
                          tls.says("the handshake that offers TLS 1.2 only succeeds")};
      findings.push_back(std::move(finding));
      certain = certain || !was_cut(*handshakes.back()) || cut_again(*check, *handshakes.back());
      break;
    }
  }
  return certain ? findings : std::vector<Finding>{};
}

// A ClientHello that cannot have come as far as the server is cut: whoever cuts it stands before.
std::vector<Finding> handshake_is_cut_on_the_way(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto own = cut_handshake(*check);
    if (!own) continue;
    const auto* syn = path_of(*check, PathPacket::syn, (*own)->remote);
    for (const auto& hello : cited<PathObservation>(*check, Part::experiments)) {
      if (hello->packet != PathPacket::client_hello || !syn || !syn->reached_at || !hello->reached_at) continue;
      if (hello->hops.back().reply != PathReply::cut || *hello->reached_at >= *syn->reached_at) continue;
      // Cut before any hop: the peer hung up before the ClientHello went out.
      if (*hello->reached_at < 2) continue;
      const auto device = hop_at(*syn, *hello->reached_at - 1);
      auto finding = about(*check, "tls.filtered_at_hop", Confidence::likely);
      finding.subject = device.empty() ? fmt::format("hop {}", *hello->reached_at - 1)
                                       : fmt::format("{} (hop {})", device, *hello->reached_at - 1);
      finding.evidence = {
          own->says(fmt::format("{} for the name {}: {}", to_string((*own)->remote), (*own)->sni, how(**own))),
          hello.says(fmt::format("a ClientHello with a TTL of {} is cut, and {} is {} hops away", *hello->reached_at,
                                 (*own)->remote.address, *syn->reached_at))};
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

// The reset comes from nearer than the address itself is, seen by a port that nobody filters.
std::vector<Finding> refused_before_the_host(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    for (const auto& path : cited<PathObservation>(*check, Part::experiments)) {
      if (path->packet != PathPacket::syn || path->hops.empty() || path->hops.back().reply != PathReply::refused)
        continue;
      const int distance = *path->reached_at;
      for (const auto& other : cited<PathObservation>(*check, Part::experiments)) {
        if (other->remote.address != path->remote.address || other->remote.port == path->remote.port) continue;
        const auto beyond = hop_at(*other, distance);
        if (beyond.empty()) continue;  // nobody is known to be at that distance but the target itself
        const auto device = hop_at(*path, distance - 1);
        auto finding = about(*check, "tcp.refused_by_middlebox", Confidence::likely);
        finding.subject = device.empty() ? fmt::format("hop {}", distance - 1) : device;
        finding.values.emplace_back("target", endpoint_of(*check));
        finding.values.emplace_back("sign", "A reset in the target's name");
        finding.evidence = {path.says(fmt::format("{} is refused at a TTL of {}", to_string(path->remote), distance)),
                            other.says(fmt::format(
                                "with that TTL packets to another port of it die at {}, before the target", beyond))};
        findings.push_back(std::move(finding));
        break;
      }
    }
  }
  return findings;
}

// A packet that may not leave this link is refused on behalf of a host that is behind a gateway. Somewhere else in this
// run the first hop let such a packet die, so that it does count hops: in Azure it need not.
std::vector<Finding> refused_at_once(const Evidenced& evidence) {
  const auto paths = cited<PathObservation>(all_checks(evidence.report), Part::experiments);
  const auto counts = std::ranges::find_if(paths, [](const auto& path) {
    return !path->hops.empty() && path->hops.front().ttl == 1 && path->hops.front().reply == PathReply::time_exceeded;
  });
  if (counts == paths.end()) return {};
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    if (!ends_at_tcp(*check, evidence.report)) continue;
    const auto tried = attempts(*check, evidence.report);
    const bool behind_gateway = !tried.empty() && tried.front()->route && tried.front()->route->gateway;
    for (const auto& path : cited<PathObservation>(*check, Part::experiments)) {
      if (path->packet != PathPacket::syn || path->hops.empty() || path->hops.front().reply != PathReply::refused)
        continue;
      if (!behind_gateway || path->remote != tried.front()->remote || *path->reached_at != 1) continue;
      auto finding = about(*check, "tcp.refused_locally", Confidence::likely);
      finding.evidence = {
          path.says(to_string(path->remote) + " is refused at a TTL of 1, before the gateway could pass it on"),
          counts->says(fmt::format("to {} a packet with that TTL dies at the gateway", to_string((*counts)->remote)))};
      finding.alternatives = {"the gateway itself refuses, in the target's name"};
      findings.push_back(std::move(finding));
    }
  }
  return as_one(std::move(findings));
}

// Named handshakes pass where one without a name is cut: the filter reads names, and refuses who sends none.
std::vector<Finding> unnamed_handshake_is_cut(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto own = cited<TlsObservation>(*check);
    if (own.empty() || own.back()->error || !own.back()->verified) continue;
    for (const auto& unnamed : cited<TlsObservation>(*check, Part::experiments)) {
      const bool cut = was_cut(*unnamed) && !unnamed->server_hello_received;
      if (!unnamed->sni.empty() || !cut || unnamed->remote != own.back()->remote) continue;
      auto finding = about(*check, "tls.no_sni_rejected", Confidence::proven);
      finding.only_informs = true;
      finding.evidence = {
          own.back().says(fmt::format("{} answers for the name {}", to_string(unnamed->remote), own.back()->sni)),
          unnamed.says("without a name: " + how(*unnamed))};
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> experiment_rules() {
  static constexpr std::array rules{
      NamedRule{"refused at once", refused_at_once},
      NamedRule{"refused before the host", refused_before_the_host},
      NamedRule{"large packets vanish", large_packets_vanish},
      NamedRule{"name is filtered", name_is_filtered},
      NamedRule{"version is rejected", version_is_rejected},
      NamedRule{"handshake is cut on the way", handshake_is_cut_on_the_way},
      NamedRule{"unnamed handshake is cut", unnamed_handshake_is_cut},
  };
  return rules;
}

}  // namespace vnetprobe
