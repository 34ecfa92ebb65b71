#pragma once

#include <string>
#include <string_view>
#include <vector>

// Lines of text for a terminal or a pipe. Pure.
namespace vnetprobe {

inline constexpr int usual_width = 80;  // columns

// Columns that a string takes: code points, where combining marks take none and East Asian wide characters take two.
int display_width(std::string_view text);

// Words filled into lines of `width` columns, each line after the first indented by `indent` blanks. A word that is
// longer than a line stands alone, unbroken. Foreign text is made harmless.
std::vector<std::string> wrap(std::string_view text, int width, int indent);

// A report shows bytes of other people: control characters and marks that reorder a line become "\u202e", a string of
// more than 4000 bytes is cut with its length named.
std::string harmless(std::string_view text);

enum class Tone { plain, bold, dim, red, yellow, green };
std::string toned(std::string_view text, Tone tone, bool colour);

}  // namespace vnetprobe
