#include "reports/diagnosis/placeholders.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

const std::string* find(const Values& values, std::string_view name) {
  for (const auto& [key, value] : values)
    if (key == name && !value.empty()) return &value;
  return nullptr;
}

}  // namespace

Filled fill(std::string_view text, const Values& values) {
  Filled filled;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto open = text.find('{', at);
    const auto close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    const auto inside = text.substr(open + 1, close - open - 1);
    const auto bar = inside.find('|');
    const auto name = inside.substr(0, bar);
    filled.text += text.substr(at, open - at);
    if (!is_name(name)) {
      filled.text += '{';
      at = open + 1;
      continue;
    }
    at = close + 1;
    if (const auto* value = find(values, name)) {
      filled.text += *value;
    } else if (bar != std::string_view::npos) {
      filled.text += inside.substr(bar + 1);
    } else {
      filled.text.append("<").append(name).append(">");
      filled.complete = false;
    }
  }
  filled.text += text.substr(std::min(at, text.size()));
  return filled;
}

}  // namespace vnetprobe
