#pragma once

#include "probes/observation.hpp"

namespace vnetprobe {

// Every fact of an observation, one a line ("server.address: 10.0.0.10"), by the structs' own description: what a new
// layer sees is shown without a word here. Empty, absent and false ones are left out; a string is cut after `limit`
// bytes. Control characters and treacherous marks are made visible.
std::string facts_of(const Observation& observation, std::size_t limit = 1000);

}  // namespace vnetprobe
