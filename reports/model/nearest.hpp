#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

// "Did you mean ...?": the name that a person probably meant.
namespace vnetprobe {

// Edits that turn one text into the other: insert, delete, replace, swap two neighbours. ASCII letters compared without
// case.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto same = [&](char x, char y) { return folded(x) == folded(y); };
  std::vector<std::size_t> earlier, previous(b.size() + 1), row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same(a[i - 1], b[j - 1]) ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], earlier[j - 2] + 1);
    }
    earlier = std::exchange(previous, row);
  }
  return previous[b.size()];
}

// Absent: nothing is near enough to be worth a question (more than a third of the letters differ).
inline std::optional<std::string_view> nearest_name(std::string_view misspelt,
                                                    std::span<const std::string_view> names) {
  constexpr std::size_t longest = 200;
  if (misspelt.size() > longest) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, misspelt.size() / 3) + 1;
  for (const auto name : names) {
    const auto distance = edit_distance(misspelt, name);
    if (distance >= best_distance || distance >= name.size()) continue;
    best_distance = distance;
    best = name;
  }
  return best;
}

}  // namespace vnetprobe
