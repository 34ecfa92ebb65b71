#include "reports/render/text_layout.hpp"

#include "reports/render/unicode.hpp"

namespace vnetprobe {
namespace {

constexpr std::array zero_width{CodePointRange{0x300, 0x36F}, CodePointRange{0x1AB0, 0x1AFF},
                                CodePointRange{0x20D0, 0x20FF}, CodePointRange{0xFE00, 0xFE0F},
                                CodePointRange{0xFE20, 0xFE2F}};
constexpr std::array double_width{
    CodePointRange{0x1100, 0x115F},   CodePointRange{0x2E80, 0x303E},  CodePointRange{0x3041, 0xA4CF},
    CodePointRange{0xAC00, 0xD7A3},   CodePointRange{0xF900, 0xFAFF},  CodePointRange{0xFE30, 0xFE6F},
    CodePointRange{0xFF00, 0xFF60},   CodePointRange{0xFFE0, 0xFFE6},  CodePointRange{0x1F300, 0x1F64F},
    CodePointRange{0x1F900, 0x1F9FF}, CodePointRange{0x20000, 0x3FFFD}};

// More of one string than this tells nobody anything on a terminal.
constexpr std::size_t longest_shown = 4000;

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    width += within_ranges(c.value, zero_width) ? 0 : within_ranges(c.value, double_width) ? 2 : 1;
    text.remove_prefix(c.length);
  }
  return width;
}

std::string harmless(std::string_view text) { return visible(text, longest_shown); }

std::vector<std::string> wrap(std::string_view text, int width, int indent) {
  const std::string safe = harmless(text);
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::vector<std::string> lines;
  std::string line;
  int used = 0;
  for (std::size_t at = 0; at < safe.size();) {
    const auto from = safe.find_first_not_of(' ', at);
    if (from == std::string::npos) break;
    const auto to = std::min(safe.find(' ', from), safe.size());
    const std::string word = safe.substr(from, to - from);
    const int columns = display_width(word);
    at = to;
    if (!line.empty() && used + 1 + columns > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (line.empty()) {
      line = lines.empty() ? word : margin + word;
      used = columns + (lines.empty() ? 0 : indent);
    } else {
      line += ' ' + word;
      used += 1 + columns;
    }
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string toned(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain) return std::string(text);
  constexpr std::array codes{"0", "1", "2", "31", "33", "32"};
  return std::string("\033[") + codes[static_cast<std::size_t>(tone)] + "m" + std::string(text) + "\033[0m";
}

}  // namespace vnetprobe
