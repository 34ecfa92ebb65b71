#pragma once

#include "agent/config/yaml_tree.hpp"

#include <functional>
#include <optional>
#include <span>

// Typed reading of a YAML tree: every problem becomes a message with its place and what to write instead, and reading
// goes on.
namespace vnetprobe {

class YamlReader {
 public:
  explicit YamlReader(std::string file) : file_(std::move(file)) {}

  void error(Place place, std::string message);
  void note(Place place, std::string message);
  std::string source(const YamlNode& node) const;  // "config.yaml:12"

  struct Key {
    std::string_view name;
    std::function<void(const YamlNode&)> read;  // not called for a null: `region:` with nothing behind it is not set
  };
  // A mapping with these keys and no others. `where` is how messages call it ("workspace"); empty: the whole file, of
  // which `example` is a line that would be right.
  void mapping(const YamlNode& node, std::string_view where, std::span<const Key> keys,
               std::string_view example = "profile: compute-instance");
  // A list, each item read by `read`. `example` is one line that would be right.
  void sequence(const YamlNode& node, std::string_view key, std::string_view example,
                const std::function<void(const YamlNode&)>& read);

  // Each returns nothing after a complaint. `key` is how the message calls the value.
  std::optional<std::string> text(const YamlNode& node, std::string_view key, std::string_view example);
  std::optional<bool> boolean(const YamlNode& node, std::string_view key);
  std::optional<int> integer(const YamlNode& node, std::string_view key, int smallest, int largest);
  template <class E>
  std::optional<E> one_of(const YamlNode& node, std::string_view key, std::span<const std::string_view> names,
                          std::optional<E> (*parse)(std::string_view)) {
    if (node.kind == YamlNode::Kind::scalar)
      if (const auto value = parse(node.text)) return value;
    not_one_of(node, key, names);
    return std::nullopt;
  }
  void not_one_of(const YamlNode& node, std::string_view key, std::span<const std::string_view> names);

  // Counts those too that are no longer kept because there are so many.
  std::size_t error_count() const { return error_count_; }
  // Every message, whole ("config.yaml:12:5: ..."), in the file's order.
  std::vector<std::string> errors() const { return in_order(errors_); }
  std::vector<std::string> notes() const { return in_order(notes_); }

 private:
  std::vector<std::string> in_order(std::vector<YamlProblem> problems) const;

  std::string file_;
  std::vector<YamlProblem> errors_, notes_;
  std::size_t error_count_{};
};

// A value as a message may show it: "'maybe'", "a list". Cut, escaped, and never a URL, which may hold a password or a
// signature.
std::string shown(const YamlNode& node);
std::string shown(std::string_view text);

}  // namespace vnetprobe
