#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace vnetprobe {

// A ULID: 48 bits of milliseconds, 80 random bits, in Crockford's base 32; sorts by time.
std::string make_ulid(std::chrono::sys_time<std::chrono::milliseconds> when,
                      const std::array<std::uint8_t, 10>& random);
std::string make_ulid();

}  // namespace vnetprobe
