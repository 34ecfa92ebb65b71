#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// GitHub-flavoured Markdown for a ticket: the diagnoses, the checks that did not pass, then every check and the raw
// evidence, folded. At most `markdown_at_most` bytes, whatever the report holds; what had to stay out is named.
std::string render_markdown(const Report& report);

// A GitHub issue takes 65 536 characters; the rest is for what a person writes above it.
inline constexpr std::size_t markdown_at_most = 64'000;

}  // namespace vnetprobe
