#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// Foreign text, character by character: what is not UTF-8, what a terminal obeys, what turns a line round. Pure.
namespace vnetprobe {

struct CodePointRange {
  char32_t from{}, to{};
};
template <std::size_t N>
bool within_ranges(char32_t point, const std::array<CodePointRange, N>& ranges) {
  for (const auto& range : ranges)
    if (point >= range.from && point <= range.to) return true;
  return false;
}

struct CodePoint {
  char32_t value{};
  std::size_t length{1};  // bytes
  bool valid{};           // false: the byte starts no well-formed sequence (RFC 3629)
};
// Of the first character; `text` is not empty.
CodePoint first_code_point(std::string_view text);

// C0, DEL and C1: what a terminal may take for a command.
bool is_control(char32_t point);
// Marks that change the direction (UAX 9) or the visibility of what follows, and what is no character at all.
bool is_treacherous(char32_t point);

enum class Lines { joined, kept };  // line feeds and tabs: blanks, or themselves

// What stands there, as something that can be read and does nothing: control characters and treacherous marks become
// "\u202e", bytes that are no UTF-8 U+FFFD. After `limit` bytes it is cut, with "... (1048576 bytes)" behind.
std::string visible(std::string_view text, std::size_t limit = std::string_view::npos, Lines lines = Lines::joined);

// The same for HTML and XML, as text and inside quoted attributes.
std::string escaped(std::string_view text, std::size_t limit = std::string_view::npos, Lines lines = Lines::joined);

}  // namespace vnetprobe
