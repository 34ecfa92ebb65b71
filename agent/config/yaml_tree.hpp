#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

// One YAML document as a plain tree with the place of every value, read within bounds: yaml-cpp's own nodes lose
// duplicate keys, share aliased nodes and recurse as deep as the text says.
namespace vnetprobe {

struct Place {
  int line{1}, column{1};
  auto operator<=>(const Place&) const = default;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind{Kind::null};
  bool quoted{};     // a scalar in quotes, or a block: text, even where it looks like a number
  std::string text;  // of a scalar
  Place place;
  std::vector<YamlNode> items;     // of a sequence
  std::vector<YamlEntry> entries;  // of a mapping, in the file's order, duplicates kept
};

struct YamlEntry {
  YamlNode key, value;
};

struct YamlProblem {
  Place place;
  std::string message;
};

struct YamlLimits {
  std::size_t bytes = 4U << 20;
  int depth = 64;
  int values = 200'000;  // with aliases followed; ten thousand targets have some 70'000
};

// The only document of `text` (null for an empty one), or why it cannot be read. Never throws for what the text holds.
std::variant<YamlNode, YamlProblem> read_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace vnetprobe
