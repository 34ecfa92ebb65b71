#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

// "Did you mean ...?": the name that a person probably meant.
namespace vnetprobe {

// Edits (insert, delete, replace) that turn one text into the other, ASCII letters compared without case.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = diagonal + (folded(a[i - 1]) == folded(b[j - 1]) ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
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
