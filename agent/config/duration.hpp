#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace vnetprobe {

// "500ms", "2s", "1m", "1h30m" or "1.5s". Absent: not a duration; the form to suggest is "2s".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace vnetprobe
