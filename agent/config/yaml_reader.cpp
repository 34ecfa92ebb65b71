#include "agent/config/yaml_reader.hpp"

#include "probes/text.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>
#include <map>

namespace vnetprobe {
namespace {

constexpr std::size_t most_problems = 200;

// A key cut short: "hbi" for "hbi_workspace". Absent: none begins so, or several do.
std::optional<std::string_view> only_one_that_begins_with(std::string_view text,
                                                          std::span<const std::string_view> names) {
  constexpr std::size_t shortest = 3;
  const auto begins = [&](std::string_view name) { return name.starts_with(text); };
  if (text.size() < shortest || std::ranges::count_if(names, begins) != 1) return std::nullopt;
  return *std::ranges::find_if(names, begins);
}

void unknown_key(YamlReader& reader, const YamlNode& key, std::string_view where,
                 std::span<const YamlReader::Key> keys) {
  std::vector<std::string_view> names;
  for (const auto& known : keys) names.push_back(known.name);
  const auto place = where.empty() ? std::string() : fmt::format(" in {}", where);
  auto meant = only_one_that_begins_with(key.text, names);
  if (!meant) meant = nearest_name(key.text, names);
  const auto advice =
      meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("known here: {}", fmt::join(names, ", "));
  reader.error(key.place, fmt::format("unknown key {}{}; {}", shown(key), place, advice));
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.find("://") != std::string_view::npos || text.find("sig=") != std::string_view::npos) return "a URL";
  return "'" + printable(text, longest) + "'";
}

std::string shown(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::mapping:
      return "a mapping";
    case YamlNode::Kind::scalar:
      break;
  }
  return shown(node.text);
}

void YamlReader::error(Place place, std::string message) {
  ++error_count_;
  if (errors_.size() < most_problems) errors_.push_back({place, std::move(message)});
}

void YamlReader::note(Place place, std::string message) {
  if (notes_.size() < most_problems) notes_.push_back({place, std::move(message)});
}

std::string YamlReader::source(const YamlNode& node) const { return fmt::format("{}:{}", file_, node.place.line); }

std::vector<std::string> YamlReader::in_order(std::vector<YamlProblem> problems) const {
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
  std::vector<std::string> messages;
  for (const auto& problem : problems)
    messages.push_back(fmt::format("{}:{}:{}: {}", file_, problem.place.line, problem.place.column, problem.message));
  return messages;
}

void YamlReader::mapping(const YamlNode& node, std::string_view where, std::span<const Key> keys,
                         std::string_view example) {
  if (node.kind != YamlNode::Kind::mapping) {
    const auto subject = where.empty() ? std::string("the file") : std::string(where);
    const auto line = where.empty() ? std::string(example) : fmt::format("{}: {{{}: ...}}", where, keys.front().name);
    error(node.place, fmt::format("{}: expected keys and values, found {}; write {}", subject, shown(node), line));
    return;
  }
  std::map<std::string_view, Place> seen;
  for (const auto& entry : node.entries) {
    const YamlNode& key = entry.key;
    if (key.kind != YamlNode::Kind::scalar) {
      error(key.place, fmt::format("expected the name of a key, found {}", shown(key)));
      continue;
    }
    const auto [before, first] = seen.emplace(key.text, key.place);
    if (!first) {
      error(key.place,
            fmt::format("key {} is here a second time; the first is in line {}", shown(key), before->second.line));
      continue;
    }
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& candidate) { return candidate.name == key.text; });
    if (known == keys.end())
      unknown_key(*this, key, where, keys);
    else if (entry.value.kind != YamlNode::Kind::null)
      known->read(entry.value);
  }
}

void YamlReader::sequence(const YamlNode& node, std::string_view key, std::string_view example,
                          const std::function<void(const YamlNode&)>& read) {
  if (node.kind != YamlNode::Kind::sequence) {
    error(node.place, fmt::format("{}: expected a list, found {}; write {}: {}", key, shown(node), key, example));
    return;
  }
  for (const auto& item : node.items) read(item);
}

std::optional<std::string> YamlReader::text(const YamlNode& node, std::string_view key, std::string_view example) {
  constexpr std::size_t longest = 4096;
  const bool is_text = node.kind == YamlNode::Kind::scalar && !node.text.empty();
  if (is_text && node.text.size() <= longest && printable(node.text, longest) == node.text) return node.text;
  const auto found = !is_text && node.kind == YamlNode::Kind::scalar ? std::string("an empty text")
                     : node.text.size() > longest ? fmt::format("a text of {} bytes", node.text.size())
                                                  : shown(node);
  error(node.place, fmt::format("{}: expected a text, found {}; write {}: {}", key, found, key, example));
  return std::nullopt;
}

std::optional<bool> YamlReader::boolean(const YamlNode& node, std::string_view key) {
  const bool plain = node.kind == YamlNode::Kind::scalar && !node.quoted;
  const auto word = plain ? lower_case(node.text.substr(0, 8)) : std::string();
  if (word == "true") return true;
  if (word == "false") return false;
  const bool means_no = word == "no" || word == "off" || word == "n" || word == "0";
  const auto found = node.kind == YamlNode::Kind::scalar && node.quoted ? "the text " + shown(node) : shown(node);
  error(node.place, fmt::format("{}: expected true or false, found {}; write {}: {}", key, found, key, !means_no));
  return std::nullopt;
}

std::optional<int> YamlReader::integer(const YamlNode& node, std::string_view key, int smallest, int largest) {
  if (node.kind == YamlNode::Kind::scalar && !node.quoted) {
    int value{};
    const char* const last = node.text.data() + node.text.size();
    const auto [end, problem] = std::from_chars(node.text.data(), last, value);
    if (problem == std::errc{} && end == last && value >= smallest && value <= largest) return value;
  }
  error(node.place,
        fmt::format("{}: expected a whole number from {} to {}, found {}", key, smallest, largest, shown(node)));
  return std::nullopt;
}

void YamlReader::not_one_of(const YamlNode& node, std::string_view key, std::span<const std::string_view> names) {
  const auto allowed = fmt::format("{}", fmt::join(names, ", "));
  const auto meant = node.kind == YamlNode::Kind::scalar ? nearest_name(node.text, names) : std::nullopt;
  const auto advice =
      meant ? fmt::format("did you mean '{}'? (one of {})", *meant, allowed) : "expected one of " + allowed;
  error(node.place, fmt::format("{}: {} is not known; {}", key, shown(node), advice));
}

}  // namespace vnetprobe
