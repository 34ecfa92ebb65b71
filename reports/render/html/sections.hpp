#pragma once

#include "reports/model/report.hpp"

// The sections of the page, each appended to `out` as markup; one that has nothing to show appends nothing.
namespace vnetprobe::html {

void diagnoses(std::string& out, const Report& report);
// Every check as a row with its layers as bars, scaled to the slowest; its evidence is inside.
void waterfall(std::string& out, const Report& report);
// Name by name what each resolver said.
void resolvers(std::string& out, const Report& report);
// What answered at which TTL, where a path was looked for.
void paths(std::string& out, const Report& report);
void certificates(std::string& out, const Report& report);
void node(std::string& out, const Report& report);

}  // namespace vnetprobe::html
