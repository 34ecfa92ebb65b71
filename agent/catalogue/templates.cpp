#include "agent/catalogue/templates.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace vnetprobe {
namespace {

// What make_plan() knows of a node, a resource or a region (agent/plan/values.cpp fills them).
constexpr std::array<std::string_view, 18> placeholders{
    "region",     "region_suffix",   "paired_region",    "paired_region_suffix",
    "workspace",  "workspace_id",    "workspace_region", "workspace_region_suffix",
    "instance",   "instance_domain", "notebooks_label",  "subscription_or_zero",
    "batch_host", "account",         "public_account",   "registry",
    "vault",      "resolver"};

using Unsettled = std::map<std::string_view, std::vector<std::string>>;  // a value and the values that it is made of

// Follows values that could not be put together; each is made of at least one other such value, or nests too deep.
std::string reason(const Unsettled& unsettled, std::string_view first) {
  std::vector<std::string_view> trail{first};
  std::set<std::string_view> seen{first};
  while (true) {
    const auto& parts = unsettled.at(trail.back());
    const auto next = std::ranges::find_if(parts, [&](const auto& part) { return unsettled.contains(part); });
    if (next == parts.end()) return fmt::format("nested more than {} deep", values_nested_at_most);
    trail.push_back(*next);
    if (!seen.insert(*next).second) break;
  }
  trail.erase(trail.begin(), std::ranges::find(trail, trail.back()));
  constexpr std::size_t shown = 10;
  if (trail.size() > shown) return fmt::format("a cycle of {} values", trail.size() - 1);
  return fmt::format("a cycle: {}", fmt::join(trail, " -> "));
}

}  // namespace

std::span<const std::string_view> known_placeholders() { return placeholders; }

std::vector<std::string> placeholders_in(std::string_view text) {
  std::vector<std::string> names;
  for (auto open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    names.emplace_back(text.substr(open + 1, close - open - 1));
  }
  return names;
}

std::optional<BrokenValue> broken_value(const CloudValues& values) {
  Unsettled unsettled;
  for (const auto& [name, text] : values) {
    auto parts = placeholders_in(text);
    std::erase_if(parts, [&](const std::string& part) { return !values.contains(part); });
    if (!parts.empty()) unsettled.emplace(name, std::move(parts));
  }
  for (int level = 0; level < values_nested_at_most && !unsettled.empty(); ++level) {
    std::vector<std::string_view> settled;
    for (const auto& [name, parts] : unsettled)
      if (std::ranges::none_of(parts, [&](const auto& part) { return unsettled.contains(part); }))
        settled.push_back(name);
    if (settled.empty()) break;
    for (const auto name : settled) unsettled.erase(name);
  }
  if (unsettled.empty()) return std::nullopt;
  const auto first = unsettled.begin()->first;
  return BrokenValue{.name = std::string(first), .why = reason(unsettled, first)};
}

}  // namespace vnetprobe
