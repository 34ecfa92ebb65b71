#include "reports/render/unicode.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

constexpr std::array treacherous{
    CodePointRange{0xAD, 0xAD},       CodePointRange{0x61C, 0x61C},     CodePointRange{0x180E, 0x180E},
    CodePointRange{0x200B, 0x200F},   CodePointRange{0x2028, 0x2029},   CodePointRange{0x202A, 0x202E},
    CodePointRange{0x2060, 0x206F},   CodePointRange{0xFDD0, 0xFDEF},   CodePointRange{0xFEFF, 0xFEFF},
    CodePointRange{0xFFF9, 0xFFFB},   CodePointRange{0xFFFE, 0xFFFF},   CodePointRange{0x1FFFE, 0x1FFFF},
    CodePointRange{0x2FFFE, 0x2FFFF}, CodePointRange{0xE0000, 0x10FFFF}};

std::size_t length_of(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

template <class Append>
void each_visible(std::string_view text, std::size_t limit, Lines lines, std::string& out, Append&& append) {
  std::size_t taken = 0;
  while (taken < text.size()) {
    const auto rest = text.substr(taken);
    const CodePoint c = first_code_point(rest);
    if (taken + c.length > limit) {
      out += fmt::format("... ({} bytes)", text.size());
      return;
    }
    taken += c.length;
    if (!c.valid)
      out += "\xEF\xBF\xBD";
    else if (c.value == '\n' || c.value == '\t')
      out += lines == Lines::kept ? static_cast<char>(c.value) : ' ';
    else if (is_control(c.value) || is_treacherous(c.value))
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c.value));
    else
      append(rest.substr(0, c.length));
  }
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = length_of(lead);
  if (length == 1) return {.value = lead, .length = 1, .valid = true};
  if (length == 0 || length > text.size()) return {};
  char32_t point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    point = point << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (overlong || surrogate || point > 0x10FFFF) return {};
  return {.value = point, .length = length, .valid = true};
}

bool is_control(char32_t point) { return point < 0x20 || (point >= 0x7F && point < 0xA0); }

bool is_treacherous(char32_t point) { return within_ranges(point, treacherous); }

std::string visible(std::string_view text, std::size_t limit, Lines lines) {
  std::string out;
  each_visible(text, limit, lines, out, [&](std::string_view character) { out += character; });
  return out;
}

std::string escaped(std::string_view text, std::size_t limit, Lines lines) {
  std::string out;
  each_visible(text, limit, lines, out, [&](std::string_view character) {
    switch (character.front()) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += character;
    }
  });
  return out;
}

}  // namespace vnetprobe
