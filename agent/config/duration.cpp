#include "agent/config/duration.hpp"

#include <array>
#include <charconv>

namespace vnetprobe {
namespace {

struct Unit {
  std::string_view name;
  double milliseconds;
};
// Longer names first: "ms" is not "m" followed by "s".
constexpr std::array units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}};

constexpr double longest = 7 * 24 * 3'600'000.0;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    double number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* unit = nullptr;
    for (const auto& candidate : units)
      if (!unit && text.starts_with(candidate.name)) unit = &candidate;
    if (!unit) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += number * unit->milliseconds;
  }
  if (!(total <= longest)) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

}  // namespace vnetprobe
