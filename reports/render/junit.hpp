#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// JUnit XML as CI systems read it: one suite, a test case a check, in the order of the report. A failed check is a
// failure, one that the deadline or Ctrl-C cut off an error; what was skipped or could not be decided is skipped, never
// passed. tests/data/render/junit.xsd is the schema that it keeps to.
std::string render_junit(const Report& report);

}  // namespace vnetprobe
