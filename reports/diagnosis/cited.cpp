#include "reports/diagnosis/cited.hpp"

#include <algorithm>

namespace vnetprobe {

std::vector<const Check*> all_checks(const Report& report) {
  std::vector<const Check*> checks;
  for (const auto& check : report.checks) checks.push_back(&check);
  return checks;
}

std::string words(std::chrono::microseconds duration) {
  const auto count = static_cast<double>(duration.count());
  if (count >= 1e6) return fmt::format("{:.1f} s", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.0f} ms", count / 1e3);
  return fmt::format("{:.1f} ms", count / 1e3);
}

std::string words(const std::vector<std::string>& items, std::size_t at_most) {
  std::string text;
  for (std::size_t i = 0; i < items.size() && i < at_most; ++i) text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > at_most) text += fmt::format(" and {} more", items.size() - at_most);
  return text;
}

bool contains(const std::vector<std::string>& items, std::string_view item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

void add_once(std::vector<std::string>& items, const std::string& item) {
  if (!contains(items, item)) items.push_back(item);
}

}  // namespace vnetprobe
