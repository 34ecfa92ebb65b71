#pragma once

#include "probes/observation/host.hpp"

#include <string_view>

namespace vnetprobe {

// What the rules in `nft_json` (`nft -j list ruleset`) do to the first packet of a TCP connection over IPv4 that comes
// from another machine to `port`. Every base chain of the hooks prerouting and input is followed, jumps and sets too;
// where the answer hangs on something that such a packet leaves open (its source, its interface) or that is not known
// here, the ruling is "unknown". Pure; takes any bytes.
InputFilter input_ruling(std::string_view nft_json, std::uint16_t port);

// Asks nft(8), which answers root only: for anybody else there is nothing to observe.
std::optional<HostObservation> observe_input_filter(std::uint16_t port);

}  // namespace vnetprobe
