#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace vnetprobe {

// Words for stderr. One that takes nothing (its disk is full, it is closed) loses words and never the run.
template <class... Values>
void tell(fmt::format_string<Values...> form, Values&&... values) {
  const auto text = fmt::format(form, std::forward<Values>(values)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace vnetprobe
