#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// Prometheus text format 0.0.4, for a textfile collector or /metrics. Durations in seconds. Every check has one sample
// for each verdict, 1 for its own and 0 for the others, so that an alert can say
//   vnetprobe_check_verdict{verdict="fail",required="true"} == 1
std::string render_prometheus(const Report& report);

}  // namespace vnetprobe
