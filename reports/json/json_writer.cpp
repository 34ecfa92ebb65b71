#include "reports/json/json_writer.hpp"

#include "reports/render/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vnetprobe {
namespace {

// What almost all text of a report is made of, and stands for itself.
bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

// Beyond what RFC 8259 demands: whoever prints a report on a terminal must not have it obeyed or turned round.
void append_escaped(std::string_view text, std::string& out) {
  for (;;) {
    const auto special = std::find_if_not(text.begin(), text.end(), is_plain);
    out.append(text.begin(), special);
    if (special == text.end()) return;
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()));
    const CodePoint c = first_code_point(text);
    if (!c.valid)
      out += "\xEF\xBF\xBD";
    else if (c.value == '"' || c.value == '\\')
      (out += '\\') += static_cast<char>(c.value);
    else if (c.value == '\n')
      out += "\\n";
    else if (c.value > 0xFFFF && is_treacherous(c.value))
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0U + (static_cast<std::uint32_t>(c.value) >> 10U),
                         0xDC00U + (static_cast<std::uint32_t>(c.value) & 0x3FFU));
    else if (is_control(c.value) || is_treacherous(c.value))
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c.value));
    else
      out.append(text.substr(0, c.length));
    text.remove_prefix(c.length);
  }
}

}  // namespace

void JsonWriter::new_line() {
  constexpr std::size_t a_piece = 64 * 1024;
  if (flush_ && out_.size() >= a_piece) {
    flush_(out_);
    out_.clear();
  }
  out_ += '\n';
  out_.append(static_cast<std::size_t>(depth_) * 2, ' ');
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!first_) out_ += ',';
  new_line();
  first_ = false;
}

void JsonWriter::begin(char bracket) {
  before_value();
  out_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::end(char bracket) {
  --depth_;
  if (!first_) new_line();
  out_ += bracket;
  first_ = false;
}

void JsonWriter::begin_object() { begin('{'); }
void JsonWriter::end_object() { end('}'); }
void JsonWriter::begin_array() { begin('['); }
void JsonWriter::end_array() { end(']'); }

void JsonWriter::key(std::string_view name) {
  before_value();
  out_ += '"';
  append_escaped(name, out_);
  out_ += "\": ";
  after_key_ = true;
}

void JsonWriter::text(std::string_view value) {
  before_value();
  out_ += '"';
  append_escaped(value, out_);
  out_ += '"';
}

void JsonWriter::number(std::int64_t value) {
  before_value();
  out_ += fmt::to_string(value);
}

void JsonWriter::number(std::uint64_t value) {
  before_value();
  out_ += fmt::to_string(value);
}

void JsonWriter::milliseconds(double value) {
  before_value();
  std::string digits = fmt::format("{:.3f}", value);
  while (digits.ends_with('0')) digits.pop_back();
  if (digits.ends_with('.')) digits.pop_back();
  out_ += digits;
}

void JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
}

void JsonWriter::null() {
  before_value();
  out_ += "null";
}

std::string JsonWriter::take() {
  out_ += '\n';
  return std::move(out_);
}

}  // namespace vnetprobe
