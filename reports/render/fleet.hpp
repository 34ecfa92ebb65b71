#pragma once

#include "reports/fleet/fleet.hpp"
#include "reports/render/text.hpp"

namespace vnetprobe {

// What is wrong and on how many nodes, what those have in common, and which checks ended how; 80 columns.
std::string render_text(const Fleet& fleet, const TextStyle& style);
// Keys as in fleet.hpp.
std::string render_json(const Fleet& fleet);
// One self-contained page, as of a report.
std::string render_html(const Fleet& fleet);

// "18 of 200 nodes are unhealthy, 3 degraded"
std::string headline(const Fleet& fleet);
// "node-1, node-2, node-3 and 15 more"
std::string some_of(const std::vector<std::string>& names, std::size_t at_most);

}  // namespace vnetprobe
