#pragma once

#include "reports/diagnosis/cited.hpp"

// What the follow-ups of a check showed, by what was varied. Experiments explain; they never make a check fail alone.
namespace vnetprobe {

// The observations of one question: a climb leaves several.
struct Experiment {
  const Check* check{};
  std::string because;
  std::vector<int> places;  // into check->observations

  bool in_small_segments() const;
  // The last layer that it reached brought an answer of the peer, verified or not.
  bool answered() const;
  Evidence says(std::string words) const {
    return {.check = check->id, .observation = places.back(), .says = std::move(words)};
  }
};
std::vector<Experiment> experiments_of(const Check& check);

// It is what the check's own climb was, before one afresh took its place.
bool was_first_attempt(const Observation& observation);

// A segment-size comparison: with the default size it stalled, with small segments it passed.
struct SizeComparison {
  Experiment usual, small;
  int stalls{};  // how often it stalled with the default size
};
std::optional<SizeComparison> compared_by_size(const Check& check);

// Small segments were tried at all.
bool was_compared_by_size(const Check& check);

// The handshake was cut after the ClientHello, or nothing came back to it.
bool was_cut(const TlsObservation& tls);

// The same CONNECT once more, and whether the proxy opened it then; absent: it was not asked again.
std::optional<Cited<ProxyObservation>> tunnel_once_more(const Cited<ProxyObservation>& first);

// The same request once more, in packets of the usual size, and answered.
std::optional<Cited<HttpObservation>> answer_once_more(const Check& check);

// Whether a handshake came further than one that was cut: it brought an answer of the peer, and where that one had
// one too, it ended.
bool came_further(const TlsObservation& tls, const TlsObservation& cut);

// The same handshake once more: the first that came further, and whether one was cut as well and none came further.
std::optional<Cited<TlsObservation>> answered_again(const Check& check, const TlsObservation& own);
bool cut_again(const Check& check, const TlsObservation& own);

// Further connections to the very same address and port.
struct FurtherConnections {
  int tried{}, made{};
  std::optional<Cited<TcpObservation>> one;  // that was made
};
FurtherConnections further_connections(const Check& check, const Endpoint& remote);

// One silence on a path that loses packets: further connections to the same place are made, all of them or most, and
// packets are seen to be lost elsewhere too. Where nothing else is lost, somebody picks connections out.
bool was_only_lost(const std::vector<Check>& checks, const Cited<TcpObservation>& silent);

const PathObservation* path_of(const Check& check, PathPacket packet, const Endpoint& remote);
// Who sits at `ttl`; empty: nobody said so.
std::string hop_at(const PathObservation& path, int ttl);

}  // namespace vnetprobe
