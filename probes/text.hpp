#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe {

// Foreign text made fit for an observation: control characters and whatever is not valid UTF-8 become "\xHH"; cut after
// `limit` bytes with "..." at the end.
std::string printable(std::string_view text, std::size_t limit = 512);

// ASCII only, whatever the locale: what DNS, hosts files and variable names mean by "case-insensitive".
std::string lower_case(std::string_view text);

// Without blanks, tabs and CR at both ends.
std::string_view trimmed(std::string_view text);

// Separated by blanks and tabs.
std::vector<std::string_view> words(std::string_view text);

struct Line {
  int number{};  // from 1
  std::string_view text;
};
std::vector<Line> lines_of(std::string_view text);

}  // namespace vnetprobe
