#pragma once

#include "reports/model/report.hpp"

#include <string>

namespace vnetprobe {

// What /metrics says of the daemon itself.
struct DaemonFigures {
  double runs_completed{}, runs_failed{}, runs_skipped{}, runs_delayed{};
  double changes{}, flappings{};
  bool flapping{};
  double delivered{}, not_delivered{}, refused{}, dropped{};
  double waiting{}, parked{};  // in the spool now
  double http_requests{}, http_refused{};
  bool reload_successful{true};
  double reload_time{}, start_time{};                     // seconds since 1970
  double next_run_in{}, interval{};                       // seconds
  std::optional<double> report_age;                       // seconds; absent: there is no report yet
  double resident_bytes{}, descriptors{}, cpu_seconds{};  // of this process
};

// Follows Prometheus' conventions; passes `promtool check metrics`. Pure.
std::string render_daemon_metrics(const DaemonFigures& figures, const std::string& version);

// Answer to a scrape of /probe: blackbox_exporter's names for what it measures too, then the diagnoses. None of the
// node's own names: a scrape of a target is not one more node. A check that is not required decides like any other, as
// it is what was asked about.
std::string render_probe_metrics(const Report& report);

}  // namespace vnetprobe
