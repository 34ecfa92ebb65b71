#include "agent/catalogue/templates.hpp"
#include "agent/plan/plan.hpp"

#include <fnmatch.h>

namespace vnetprobe {

Expansion expand(std::string_view text, const std::map<std::string, std::string>& values) {
  // A value may hold placeholders itself. parse_catalogue() has refused cycles; these bounds hold whatever comes.
  constexpr std::size_t longest = 8192;
  Expansion result{.text = std::string(text), .missing = {}};
  for (int level = 0; level <= values_nested_at_most; ++level) {
    std::string expanded;
    bool changed = false;
    for (std::size_t at = 0; at < result.text.size();) {
      const auto close = result.text[at] == '{' ? result.text.find('}', at) : std::string::npos;
      if (close == std::string::npos) {
        expanded += result.text[at++];
        continue;
      }
      const std::string name = result.text.substr(at + 1, close - at - 1);
      const auto value = values.find(name);
      if (value == values.end()) {
        if (result.missing.empty()) result.missing = name;
        expanded += result.text.substr(at, close + 1 - at);
      } else {
        expanded += value->second;
        changed = true;
        if (expanded.size() > longest) return {.text = expanded.substr(0, longest), .missing = name};
      }
      at = close + 1;
    }
    result.text = std::move(expanded);
    if (!changed) break;
  }
  return result;
}

bool glob_matches(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace vnetprobe
