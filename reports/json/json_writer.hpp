#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace vnetprobe {

// Makes pretty-printed JSON piece by piece, and hands it on as it grows where `flush` is given, so that a report of ten
// thousand checks is never held as text. Strings are made valid UTF-8 (a bad byte becomes U+FFFD) and escaped.
class JsonWriter {
 public:
  using Flush = std::function<void(std::string_view piece)>;

  explicit JsonWriter(Flush flush = {}) : flush_(std::move(flush)) {}
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void text(std::string_view value);
  void number(std::int64_t value);
  void number(std::uint64_t value);
  void milliseconds(double value);  // three decimals at most
  void boolean(bool value);
  void null();
  std::string take();  // what was not handed on yet

 private:
  void before_value();
  void begin(char bracket);
  void end(char bracket);
  void new_line();

  Flush flush_;
  std::string out_;
  int depth_{};
  bool first_{true};  // nothing yet in the innermost object or array
  bool after_key_{};
};

}  // namespace vnetprobe
