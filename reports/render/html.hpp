#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// One self-contained HTML file: no outside resource, readable without JavaScript, in light and dark, on paper. Its
// Content-Security-Policy allows its own style sheet and script by hash and nothing else. Long strings are cut with
// their length named; the raw report at the end is whole up to 32 MB.
std::string render_html(const Report& report);

}  // namespace vnetprobe
