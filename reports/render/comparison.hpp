#pragma once

#include "reports/compare/compare.hpp"
#include "reports/render/text.hpp"

namespace vnetprobe {

// Two reports side by side: what follows first, then diagnoses, checks and nodes.
std::string render_text(const Comparison& comparison, const TextStyle& style);
// Keys as in compare.hpp.
std::string render_json(const Comparison& comparison);
// One self-contained page, as of a report.
std::string render_html(const Comparison& comparison);

}  // namespace vnetprobe
