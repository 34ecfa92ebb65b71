#pragma once

#include "probes/observation.hpp"

namespace vnetprobe {

// One observation in one line: "tcp  10.0.1.10:443 connected in 0.4 ms".
std::string describe(const Observation& observation);

// "0.4 ms", "12 ms", "1.2 s"
std::string describe(std::chrono::microseconds duration);

}  // namespace vnetprobe
