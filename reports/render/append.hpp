#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace vnetprobe {

// Formats to the end of `out`: long documents are written piece by piece.
template <class... Parts>
void add(std::string& out, fmt::format_string<Parts...> format, Parts&&... parts) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Parts>(parts)...);
}

}  // namespace vnetprobe
