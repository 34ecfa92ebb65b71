#pragma once

#include "probes/observation/host.hpp"

#include <string_view>

namespace vnetprobe {

// The first packet of a TCP connection over IPv4 that comes in from another machine, or goes out to a public address.
struct FirstPacket {
  enum class Way { in, out } way{};
  std::uint16_t port{};  // the destination's
};

// What the rules in `nft_json` (`nft -j list ruleset`) do to it. Every base chain on its way is followed (prerouting
// and input, or output and postrouting), jumps and sets too; where the answer hangs on something that such a packet
// leaves open (addresses, interface, user) or that is not known here, the ruling is "unknown". A rule about a single
// address says nothing of all the others. Pure; takes any bytes.
FilterVerdict filter_verdict(std::string_view nft_json, FirstPacket packet);

// Asks nft(8), which answers root only: for anybody else there is nothing to observe. The topic is input_filter or
// output_filter.
std::optional<HostObservation> observe_packet_filter(FirstPacket packet);

}  // namespace vnetprobe
