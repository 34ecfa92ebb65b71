#include "agent/config/yaml_tree.hpp"

#include "probes/text.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>
#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

namespace vnetprobe {
namespace {

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {.line = mark.line + 1, .column = mark.column + 1};
}

// Ends the parse from inside yaml-cpp's callbacks; never leaves this file.
struct Refused {
  YamlProblem problem;
};

// Builds the tree from the parser's events, so that a bound stops the parser itself.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const YamlLimits& limits) : limits_(limits) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      throw Refused{{place_of(mark), "a second document begins here; write everything in one, without '---'"}};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({.kind = YamlNode::Kind::null, .place = place_of(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // "?" is what yaml-cpp calls a plain scalar without a tag.
    add({.kind = YamlNode::Kind::scalar, .quoted = tag != "?", .text = value, .place = place_of(mark)}, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto named = anchors_.find(anchor);
    if (named == anchors_.end()) throw Refused{{place_of(mark), "this alias stands inside the value that it names"}};
    count(mark, named->second.values);
    if (static_cast<int>(open_.size()) + named->second.depth > limits_.depth) throw too_deep(place_of(mark));
    if (!open_.empty()) open_.back().deepest = std::max(open_.back().deepest, named->second.depth);
    YamlNode copy = named->second.node;
    // The copy's inner places stay: that is where a wrong value is to be corrected.
    attach(std::move(copy));
  }

 private:
  struct Named {
    YamlNode node;
    int values{};
    int depth{};
  };
  struct Frame {
    YamlNode node;
    std::optional<YamlNode> key;
    YAML::anchor_t anchor{};
    int values_before{};
    int deepest{};  // levels below this one
  };

  Refused too_deep(Place place) const {
    return Refused{{place, fmt::format("nested deeper than {} levels", limits_.depth)}};
  }

  void count(const YAML::Mark& mark, int more) {
    values_ += more;
    if (values_ > limits_.values)
      throw Refused{{place_of(mark), fmt::format("more than {} values, aliases followed", limits_.values)}};
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= limits_.depth) throw too_deep(place_of(mark));
    open_.push_back({.node = {.kind = kind, .place = place_of(mark)}, .anchor = anchor, .values_before = values_});
    count(mark, 1);
  }

  void close() {
    Frame done = std::move(open_.back());
    open_.pop_back();
    if (!open_.empty()) open_.back().deepest = std::max(open_.back().deepest, done.deepest + 1);
    remember(done.anchor, done.node, values_ - done.values_before, done.deepest + 1);
    attach(std::move(done.node));
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    values_ += 1;
    if (values_ > limits_.values)
      throw Refused{{node.place, fmt::format("more than {} values, aliases followed", limits_.values)}};
    remember(anchor, node, 1, 0);
    attach(std::move(node));
  }

  // Counted like any other value: a thousand nested anchors would otherwise be kept a thousand times over.
  void remember(YAML::anchor_t anchor, const YamlNode& node, int values, int depth) {
    if (anchor == YAML::NullAnchor) return;
    anchored_ += values;
    if (anchored_ > limits_.values)
      throw Refused{{node.place, fmt::format("more than {} values under anchors", limits_.values)}};
    anchors_[anchor] = {.node = node, .values = values, .depth = depth};
  }

  void attach(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      parent.node.entries.push_back({.key = std::move(*parent.key), .value = std::move(node)});
      parent.key.reset();
    }
  }

  const YamlLimits& limits_;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Named> anchors_;
  YamlNode root_;
  int documents_{}, values_{}, anchored_{};
};

// The length of the UTF-8 sequence that `text` begins with; 0: none, or a control character.
std::size_t text_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return (first >= 0x20 && first != 0x7f) || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (first >= 0xf5 || length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return length;
}

std::optional<YamlProblem> binary_in(std::string_view text) {
  Place place;
  for (std::size_t i = 0; i < text.size();) {
    const auto length = text_sequence(text.substr(i));
    if (length == 0)
      return YamlProblem{place, fmt::format("byte 0x{:02x} does not belong in a text file; write YAML in UTF-8",
                                            static_cast<unsigned>(static_cast<unsigned char>(text[i])))};
    place.column += 1;
    if (text[i] == '\n') place = {.line = place.line + 1, .column = 1};
    i += length;
  }
  return std::nullopt;
}

// A tab in the indentation of the line where the parse failed, or of the one before: yaml-cpp's own words for it name
// neither.
std::optional<Place> tab_near(std::string_view text, int failed_line) {
  for (const auto& line : lines_of(text)) {
    if (line.number > failed_line) break;
    if (line.number + 1 < failed_line) continue;
    const auto tab = line.text.find_first_not_of(' ');
    if (tab != std::string_view::npos && line.text[tab] == '\t')
      return Place{.line = line.number, .column = static_cast<int>(tab) + 1};
  }
  return std::nullopt;
}

YamlProblem explain(std::string_view text, const YAML::Exception& error) {
  const auto place = place_of(error.mark);
  if (const auto tab = tab_near(text, place.line))
    return {*tab, "indented with a tab, which YAML does not allow; use spaces"};
  return {place, "not valid YAML: " + printable(error.msg, 200)};
}

}  // namespace

std::variant<YamlNode, YamlProblem> read_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes)
    return YamlProblem{{}, fmt::format("{} bytes; a file of this kind has at most {}", text.size(), limits.bytes)};
  if (auto binary = binary_in(text)) return *binary;
  TreeBuilder builder(limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const Refused& refused) {
    return refused.problem;
  } catch (const YAML::Exception& error) {
    return explain(text, error);
  }
  return builder.take();
}

}  // namespace vnetprobe
