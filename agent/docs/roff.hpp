#pragma once

#include <string>
#include <string_view>

// Text as man(7) wants it.
namespace vnetprobe::roff {

// `text` with nothing in it that roff would take for its own. Words in backquotes become bold.
std::string text(std::string_view text);
// The same without a look at backquotes: for what is typed or read by a program.
std::string literal(std::string_view text);
std::string bold(std::string_view text);
std::string italic(std::string_view text);
// Lines that are neither filled nor joined.
std::string example(std::string_view lines);
// ".TH NAME SECTION ..." and what keeps words whole.
std::string heading(std::string_view name, int section, std::string_view what);

}  // namespace vnetprobe::roff
