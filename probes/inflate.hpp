#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vnetprobe {

// The whole content of gzip data, at most `limit` bytes; absent: it is broken or larger.
std::optional<std::string> inflate(std::string_view bytes, std::size_t limit);

}  // namespace vnetprobe
