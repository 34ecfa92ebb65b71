#include "reports/diagnosis/codes.hpp"

#include "reports/diagnosis/placeholders.hpp"

#include <yaml-cpp/yaml.h>
#include <algorithm>
#include <boost/describe/enum_from_string.hpp>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

namespace vnetprobe {
namespace embedded {
std::string codes_yaml();
}
namespace {

std::string text_of(const YAML::Node& row, const char* key) {
  const auto value = row[key];
  return value && value.IsScalar() ? value.as<std::string>() : std::string{};
}

template <class E>
E word_of(const YAML::Node& row, const char* key) {
  const auto word = text_of(row, key);
  E value{};
  if (!boost::describe::enum_from_string(word.c_str(), value))
    throw std::logic_error("codes.yaml: " + text_of(row, "code") + ": unknown " + key + " '" + word + "'");
  return value;
}

CodeEntry read_row(const YAML::Node& row) {
  CodeEntry entry{.code = text_of(row, "code"),
                  .title = text_of(row, "title"),
                  .explanation = text_of(row, "explanation"),
                  .owner = word_of<Owner>(row, "owner"),
                  .best_confidence = word_of<Confidence>(row, "confidence"),
                  .evidence = text_of(row, "evidence"),
                  .misleads = text_of(row, "misleads"),
                  .next_test = text_of(row, "next_test"),
                  .reference = text_of(row, "reference"),
                  .one_per_node = row["one_per_node"] && row["one_per_node"].as<bool>(),
                  .healthy = row["healthy"] && row["healthy"].as<bool>()};
  for (const auto& alternative : row["alternatives"]) entry.alternatives.push_back(alternative.as<std::string>());
  for (const auto& fix : row["fix"]) {
    Fix step{.text = text_of(fix, "text"), .command = text_of(fix, "command")};
    step.is_template = step.command.find('{') != std::string::npos;
    entry.fix.push_back(std::move(step));
  }
  return entry;
}

std::vector<CodeEntry> read_table() {
  std::vector<CodeEntry> table;
  for (const auto& row : YAML::Load(embedded::codes_yaml())) table.push_back(read_row(row));
  return table;
}

const std::vector<CodeEntry>& table() {
  static const std::vector<CodeEntry> entries = read_table();
  return entries;
}

// Levenshtein distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const CodeEntry> all_codes() { return table(); }

const CodeEntry* find_code(std::string_view code) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const CodeEntry*> by_code;
    for (const auto& entry : table()) by_code.emplace(entry.code, &entry);
    return by_code;
  }();
  const auto found = index.find(code);
  return found == index.end() ? nullptr : found->second;
}

CodeEntry without_values(CodeEntry entry) {
  for (auto* text : {&entry.title, &entry.explanation, &entry.next_test}) *text = fill(*text, {}).text;
  for (auto& alternative : entry.alternatives) alternative = fill(alternative, {}).text;
  for (auto& step : entry.fix) {
    step.text = fill(step.text, {}).text;
    step.command = fill(step.command, {}).text;
  }
  return entry;
}

std::vector<std::string> nearest_codes(std::string_view code, std::size_t limit) {
  const auto wanted = code.substr(0, 200);
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const auto& entry : table()) {
    auto far = distance(wanted, entry.code);
    // The last word alone is how people remember a code: "zone_not_linked", "servfail".
    const auto last_word = std::string_view(entry.code).substr(entry.code.rfind('.') + 1);
    far = std::min(far, distance(wanted, last_word) + 1);
    ranked.emplace_back(far, entry.code);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (const auto& [far, name] : ranked) {
    if (nearest.size() == limit) break;
    nearest.emplace_back(name);
  }
  return nearest;
}

}  // namespace vnetprobe
