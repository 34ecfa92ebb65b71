#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vnetprobe {

// Appends pretty-printed JSON to a string piece by piece, so that a report of ten thousand checks is never held twice.
// Strings are made valid UTF-8 (a bad byte becomes U+FFFD) and escaped.
class JsonWriter {
 public:
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  void key(std::string_view name);
  void text(std::string_view value);
  void number(std::int64_t value);
  void number(std::uint64_t value);
  void milliseconds(double value);  // three decimals at most
  void boolean(bool value);
  void null();
  std::string take();

 private:
  void before_value();
  void begin(char bracket);
  void end(char bracket);
  void new_line();

  std::string out_;
  int depth_{};
  bool first_{true};  // nothing yet in the innermost object or array
  bool after_key_{};
};

}  // namespace vnetprobe
