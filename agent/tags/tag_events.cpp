#include "agent/tags/tag_events.hpp"

#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

namespace vnetprobe::tags {
namespace {

namespace json = boost::json;

using Problem = boost::system::error_code;

// Where in the file the parser stands. A filtered file has no root object, or is one tag alone; then `root` is that
// tag.
enum class Place { root, values, tag, properties, prefixes, elsewhere };
enum class Key { other, change_number, cloud, date, values, name, properties, region, prefixes };

constexpr std::array<std::pair<std::string_view, Key>, 8> keys{{{"changeNumber", Key::change_number},
                                                                {"cloud", Key::cloud},
                                                                {"date", Key::date},
                                                                {"values", Key::values},
                                                                {"name", Key::name},
                                                                {"properties", Key::properties},
                                                                {"region", Key::region},
                                                                {"addressPrefixes", Key::prefixes}}};

Key key_of(std::string_view text) {
  const auto known = std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.first == text; });
  return known == keys.end() ? Key::other : known->second;
}

// As every tag's name and region are written: nothing else may reach a terminal or a script.
bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

// The handler that boost::json::basic_parser calls.
class Events {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  Events(const std::string& path, bool lenient) : path_(path), lenient_(lenient) {}

  TagFile take_file() { return std::move(file_); }
  std::vector<std::string> take_errors() { return std::move(errors_); }
  bool has_list() const { return saw_list_; }

  bool on_document_begin(Problem&) { return true; }
  bool on_document_end(Problem&) { return true; }
  bool on_object_begin(Problem&) {
    const auto next = object_in(place());
    if (next == Place::tag || (next == Place::root && places_.empty())) begin_tag();
    if (next == Place::properties) tag_has_properties_ = true;
    places_.push_back(next);
    return true;
  }
  bool on_object_end(std::size_t, Problem& problem) {
    const auto left = leave();
    const bool alone = left == Place::root && !saw_list_ && tag_has_properties_;
    saw_list_ = saw_list_ || alone;
    return left != Place::tag && !alone ? true : commit(problem);
  }
  bool on_array_begin(Problem&) {
    const auto next = array_in(place());
    if (next == Place::values) saw_list_ = true;
    if (next == Place::prefixes) tag_has_prefixes_ = true;
    places_.push_back(next);
    return true;
  }
  bool on_array_end(std::size_t, Problem&) {
    leave();
    return true;
  }
  bool on_key_part(std::string_view part, std::size_t, Problem&) { return collect(part); }
  bool on_key(std::string_view part, std::size_t, Problem&) {
    key_ = key_of(whole(part));
    return true;
  }
  bool on_string_part(std::string_view part, std::size_t, Problem&) { return collect(part); }
  bool on_string(std::string_view part, std::size_t, Problem& problem) {
    const auto text = whole(part);
    if (place() == Place::prefixes) {
      add_prefix(text);
      return true;
    }
    if (key_ == Key::change_number) {  // the discovery API's spelling
      long number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      set_change_number(number);
      return true;
    }
    if (place() == Place::root || place() == Place::tag) read_text(text);
    if (place() == Place::properties && key_ == Key::region && is_word(text)) tag_.region = text;
    return scalar(problem);
  }
  bool on_number_part(std::string_view, Problem&) { return true; }
  bool on_int64(std::int64_t number, std::string_view, Problem& problem) {
    if (key_ == Key::change_number) set_change_number(number);
    return scalar(problem);
  }
  bool on_uint64(std::uint64_t, std::string_view, Problem& problem) { return scalar(problem); }
  bool on_double(double, std::string_view, Problem& problem) { return scalar(problem); }
  bool on_bool(bool, Problem& problem) { return scalar(problem); }
  bool on_null(Problem& problem) { return scalar(problem); }
  bool on_comment_part(std::string_view, Problem&) { return true; }
  bool on_comment(std::string_view, Problem&) { return true; }

 private:
  Place place() const { return places_.empty() ? Place::elsewhere : places_.back(); }

  Place object_in(Place outer) {
    if (places_.empty()) return Place::root;
    if (outer == Place::values) return Place::tag;
    if ((outer == Place::tag || outer == Place::root) && key_ == Key::properties) return Place::properties;
    if (outer == Place::prefixes) complain("a prefix is not a text");
    return Place::elsewhere;
  }

  Place array_in(Place outer) {
    if (places_.empty() || (outer == Place::root && key_ == Key::values)) return Place::values;
    if (outer == Place::properties && key_ == Key::prefixes) return Place::prefixes;
    if (outer == Place::prefixes) complain("a prefix is not a text");
    return Place::elsewhere;
  }

  Place leave() {
    const auto left = place();
    places_.pop_back();
    key_ = Key::other;
    return left;
  }

  bool collect(std::string_view part) {
    collected_ += part;
    return true;
  }
  // Valid until the next call.
  std::string_view whole(std::string_view last) {
    if (collected_.empty()) return last;
    joined_ = std::move(collected_);
    joined_ += last;
    collected_.clear();
    return joined_;
  }

  // What no object or array is, where one should be.
  bool scalar(Problem& problem) {
    if (place() == Place::prefixes) complain("a prefix is not a text");
    if (place() != Place::values) return true;
    begin_tag();
    complain("expected an object");
    return commit(problem);
  }

  void set_change_number(long number) {
    if (place() == Place::root) file_.change_number = number;
    if (place() == Place::properties) tag_.change_number = number;
  }

  void read_text(std::string_view text) {
    if (key_ == Key::name) tag_.name = text;
    if (place() != Place::root || !is_word(text)) return;
    if (key_ == Key::cloud) file_.cloud = text;
    if (key_ == Key::date) file_.date = text;
  }

  void add_prefix(std::string_view text) {
    const auto parsed = parse_cidr(text);
    if (parsed.value)
      prefixes_.push_back(*parsed.value);
    else
      complain(fmt::format("'{}' {}", printable(text, 60), parsed.error));
  }

  void begin_tag() {
    tag_ = {};
    prefixes_.clear();
    tag_errors_.clear();
    tag_has_properties_ = tag_has_prefixes_ = false;
  }

  void complain(std::string what) {
    if (tag_errors_.size() < errors_at_most) tag_errors_.push_back(std::move(what));
  }

  bool commit(Problem& problem) {
    const auto place_in_file = fmt::format("values[{}]", read_++);
    bool usable = tag_errors_.empty() || tag_has_prefixes_;
    if (usable && (tag_.name.empty() || !is_word(tag_.name))) {
      complain(tag_.name.empty() ? "has no `name`" : "its `name` is not the name of a service tag");
      tag_.name.clear();
      usable = false;
    } else if (usable && !tag_has_prefixes_) {
      complain("has no `properties.addressPrefixes`");
      usable = false;
    } else if (usable && !names_.insert(tag_.name).second) {
      complain("is there twice");
      usable = false;
    }
    for (const auto& error : tag_errors_)
      if (errors_.size() < errors_at_most)
        errors_.push_back(fmt::format("{}: tag {}: {}", path_, tag_.name.empty() ? place_in_file : tag_.name, error));
    if (usable) {
      tag_.prefixes = prefixes_;  // as long as they are, and no longer
      file_.tags.push_back(std::move(tag_));
    }
    if (errors_.empty() || lenient_) return true;
    problem = json::make_error_code(json::error::exception);  // any: the reason is in `errors_`
    return false;
  }

  static constexpr std::size_t errors_at_most = 20;

  const std::string& path_;
  bool lenient_;
  TagFile file_;
  std::vector<std::string> errors_;
  std::vector<Place> places_;
  Key key_{};
  std::string collected_, joined_;
  ServiceTag tag_;
  std::vector<Cidr> prefixes_;
  std::vector<std::string> tag_errors_;
  bool tag_has_properties_{}, tag_has_prefixes_{}, saw_list_{};
  std::size_t read_{};
  std::unordered_set<std::string> names_;
};

}  // namespace

TagEvents read_tag_events(std::string_view text, const std::string& path, bool lenient) {
  json::basic_parser<Events> parser(json::parse_options{}, path, lenient);
  TagEvents read;
  read.good_bytes = parser.write_some(false, text.data(), text.size(), read.problem);
  auto& events = parser.handler();
  read.errors = events.take_errors();
  if (!lenient && !read.errors.empty()) {
    read.problem = {};  // it stopped there by itself
    return read;
  }
  const auto behind = text.substr(std::min(read.good_bytes, text.size()));
  const auto junk = behind.find_first_not_of(" \t\r\n");
  if (!read.problem && junk != std::string_view::npos) {
    read.good_bytes += junk;
    read.problem = json::make_error_code(json::error::extra_data);
  }
  if (!read.problem && !events.has_list())
    read.errors.push_back(
        fmt::format("{}: no array of tags: expected an object with `values`, or the array itself", path));
  read.file = events.take_file();
  return read;
}

}  // namespace vnetprobe::tags
