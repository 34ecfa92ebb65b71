#include "probes/text.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// Length of the well-formed UTF-8 sequence (RFC 3629) at `at`; 0: none starts there.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const unsigned lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 && lead < 0xF5   ? 4
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t next = 1; next < length; ++next)
    if ((byte_at(text, at + next) & 0xC0U) != 0x80U) return 0;
  const unsigned second = byte_at(text, at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_high = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

// C0, DEL, and C1, which reaches a terminal as a control character too.
bool is_control(std::string_view text, std::size_t at, std::size_t length) {
  const unsigned lead = byte_at(text, at);
  return lead < 0x20 || lead == 0x7F || (length == 2 && lead == 0xC2 && byte_at(text, at + 1) < 0xA0);
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (at >= limit) return result + "...";
    const std::size_t length = sequence_length(text, at);
    const std::size_t taken = length == 0 ? 1 : length;
    if (length != 0 && !is_control(text, at, length)) {
      result.append(text, at, length);
    } else {
      for (std::size_t byte = at; byte < at + taken; ++byte) {
        result += "\\x";
        result += hex[byte_at(text, byte) >> 4U];
        result += hex[byte_at(text, byte) & 15U];
      }
    }
    at += taken;
  }
  return result;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  std::vector<std::string_view> result;
  for (auto at = text.find_first_not_of(blanks); at != std::string_view::npos;
       at = text.find_first_not_of(blanks, at)) {
    const auto end = std::min(text.find_first_of(blanks, at), text.size());
    result.push_back(text.substr(at, end - at));
    at = end;
  }
  return result;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> result;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    result.push_back({.number = number, .text = text.substr(0, end)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

}  // namespace vnetprobe
