#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vnetprobe {

using Values = std::vector<std::pair<std::string, std::string>>;

// A text of the table with its {name} and {name|words used when it is unknown} filled in. The first value of a name
// wins. A name without a value and without such words becomes <name> and makes `complete` false. Braces that hold
// anything else than a lower-case name (a shell's or a query's own) stay as they are.
struct Filled {
  std::string text;
  bool complete{true};
};
Filled fill(std::string_view text, const Values& values);

}  // namespace vnetprobe
