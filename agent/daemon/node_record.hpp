#pragma once

#include "agent/daemon/schedule.hpp"
#include "reports/model/report.hpp"

#include <map>

namespace vnetprobe {

// What stays in memory of a report; the report itself is in the history.
struct NodeRecord {
  std::string id, verdict, headline, metrics;
  std::vector<std::string> check_ids;
  BootClock::time_point at{};
};

NodeRecord record_of(const Report& report, BootClock::time_point at);

}  // namespace vnetprobe
