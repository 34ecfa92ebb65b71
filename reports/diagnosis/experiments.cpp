#include "reports/diagnosis/experiments.hpp"

#include "reports/diagnosis/diagnose.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

// What passes in small segments only is no sign of having passed at all.
bool passed_in_small_segments(const Cited<TlsObservation>& tls) {
  const auto& because = tls.check->observations[static_cast<std::size_t>(tls.index)].follow_up;
  return std::any_of(tls.check->observations.begin(), tls.check->observations.end(), [&](const Observation& one) {
    const auto* tcp = std::get_if<TcpObservation>(&one.seen);
    return tcp && tcp->mss_limit && one.follow_up == because;
  });
}

bool others_were_repeated(const std::vector<Check>& checks, const Endpoint& but_not) {
  for (const auto& check : checks)
    for (const auto& tcp : cited<TcpObservation>(check, Part::everything))
      if (!tcp->error && tcp->retransmissions > 0 && tcp->remote != but_not) return true;
  return false;
}

bool peer_answered(const Seen& seen) {
  if (const auto* tls = std::get_if<TlsObservation>(&seen)) return tls->server_hello_received;
  return is_ok(seen);
}

}  // namespace

bool was_first_attempt(const Observation& observation) {
  return observation.follow_up && observation.follow_up->starts_with(first_attempt);
}

bool Experiment::in_small_segments() const {
  return std::any_of(places.begin(), places.end(), [&](int place) {
    const auto* tcp = std::get_if<TcpObservation>(&check->observations[static_cast<std::size_t>(place)].seen);
    return tcp && tcp->mss_limit;
  });
}

bool Experiment::answered() const {
  return peer_answered(check->observations[static_cast<std::size_t>(places.back())].seen);
}

std::vector<Experiment> experiments_of(const Check& check) {
  std::vector<Experiment> found;
  for (std::size_t i = 0; i < check.observations.size(); ++i) {
    const auto& because = check.observations[i].follow_up;
    if (!because || was_first_attempt(check.observations[i])) continue;
    auto known =
        std::find_if(found.begin(), found.end(), [&](const Experiment& one) { return one.because == *because; });
    if (known == found.end()) known = found.insert(found.end(), {.check = &check, .because = *because});
    known->places.push_back(static_cast<int>(i));
  }
  return found;
}

std::optional<SizeComparison> compared_by_size(const Check& check) {
  std::optional<Experiment> usual, small;
  int stalls = 0;
  for (auto& experiment : experiments_of(check)) {
    const auto& first = check.observations[static_cast<std::size_t>(experiment.places.front())].seen;
    // A climb begins with its connections; what asks one layer alone is another experiment.
    if (!std::holds_alternative<TcpObservation>(first) || experiment.places.size() < 2) continue;
    if (experiment.in_small_segments()) {
      small = std::move(experiment);
    } else if (!experiment.answered()) {
      usual = std::move(experiment);
      ++stalls;
    }
  }
  if (!usual || !small || !small->answered()) return std::nullopt;
  return SizeComparison{std::move(*usual), std::move(*small), stalls};
}

bool was_compared_by_size(const Check& check) {
  const auto experiments = experiments_of(check);
  return std::any_of(experiments.begin(), experiments.end(),
                     [](const Experiment& one) { return one.in_small_segments(); });
}

bool was_cut(const TlsObservation& tls) {
  return tls.error == TlsFailure::reset || tls.error == TlsFailure::closed || tls.error == TlsFailure::timed_out ||
         tls.error == TlsFailure::protocol;
}

bool came_further(const TlsObservation& tls, const TlsObservation& cut) {
  return tls.server_hello_received && (!cut.server_hello_received || !was_cut(tls));
}

std::optional<Cited<ProxyObservation>> tunnel_once_more(const Cited<ProxyObservation>& first) {
  for (const auto& again : cited<ProxyObservation>(*first.check, Part::experiments))
    if (again->proxy == first->proxy && again->target == first->target && !again->user_agent) return again;
  return std::nullopt;
}

std::optional<Cited<HttpObservation>> answer_once_more(const Check& check) {
  for (const auto& experiment : experiments_of(check)) {
    const int place = experiment.places.back();
    const auto* http = std::get_if<HttpObservation>(&check.observations[static_cast<std::size_t>(place)].seen);
    if (http && http->status != 0 && !http->user_agent && !http->request_bytes && !experiment.in_small_segments())
      return Cited<HttpObservation>{&check, place, http};
  }
  return std::nullopt;
}

std::optional<Cited<TlsObservation>> answered_again(const Check& check, const TlsObservation& own) {
  for (const auto& tls : cited<TlsObservation>(check, Part::experiments))
    if (tls->sni == own.sni && tls->remote == own.remote && !tls->offered_at_most && came_further(*tls, own) &&
        !passed_in_small_segments(tls))
      return tls;
  return std::nullopt;
}

bool cut_again(const Check& check, const TlsObservation& own) {
  bool again = false;
  for (const auto& tls : cited<TlsObservation>(check, Part::experiments)) {
    if (tls->sni != own.sni || tls->offered_at_most) continue;
    if (came_further(*tls, own)) return false;
    again = again || was_cut(*tls);
  }
  return again;
}

FurtherConnections further_connections(const Check& check, const Endpoint& remote) {
  FurtherConnections further;
  for (const auto& tcp : cited<TcpObservation>(check, Part::experiments)) {
    if (tcp->remote != remote || tcp->mss_limit) continue;
    ++further.tried;
    if (tcp->error) continue;
    ++further.made;
    further.one = tcp;
  }
  return further;
}

bool was_only_lost(const std::vector<Check>& checks, const Cited<TcpObservation>& silent) {
  if (silent->error != TcpFailure::timed_out) return false;
  const auto further = further_connections(*silent.check, silent->remote);
  if (further.made > 0 && further.made == further.tried) return others_were_repeated(checks, silent->remote);
  return further.made * 2 > further.tried && path_is_lossy(checks);
}

const PathObservation* path_of(const Check& check, PathPacket packet, const Endpoint& remote) {
  for (const auto& path : cited<PathObservation>(check, Part::experiments))
    if (path->packet == packet && path->remote == remote) return path.seen;
  return nullptr;
}

std::string hop_at(const PathObservation& path, int ttl) {
  for (const auto& hop : path.hops)
    if (hop.ttl == ttl && hop.address) return *hop.address;
  return {};
}

}  // namespace vnetprobe
