#pragma once

#include "reports/render/append.hpp"
#include "reports/render/unicode.hpp"

#include <string>
#include <string_view>

// The shell around every page of ours, and what its sections are written with.
namespace vnetprobe::html {

// `body` is markup, the others are text.
struct Page {
  std::string_view title;
  std::string_view verdict;  // class of the banner: "healthy", "degraded", "unhealthy", "inconclusive"
  std::string_view body;
};
std::string page(const Page& content);

// Foreign text as markup, cut at a length that no page needs more of.
inline std::string text(std::string_view foreign, std::size_t limit = 2000) { return escaped(foreign, limit); }

// A word with its colour; the word alone says it all.
inline std::string badge(std::string_view kind) { return fmt::format("<span class=\"badge {0}\">{0}</span>", kind); }

// A table that scrolls sideways where the screen is too narrow, also with the keyboard.
inline void begin_table(std::string& out, std::string_view name) {
  add(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Table: {}\" tabindex=\"0\"><table>\n", name);
}
inline void end_table(std::string& out) { out += "</tbody></table></div>\n"; }

}  // namespace vnetprobe::html
