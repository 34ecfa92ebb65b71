#pragma once

#include "reports/model/report.hpp"

#include <boost/json/value.hpp>

#include <functional>

namespace vnetprobe {

// The report as product.md 8 and reports/json/report.schema.json describe it. Pretty-printed, keys in a fixed order.
std::string render_json(const Report& report);
// The same in pieces, as it is made.
void write_json(const Report& report, const std::function<void(std::string_view piece)>& take);
// One element of `checks` as it stands in the report.
std::string render_json(const Check& check);
boost::json::value to_json(const Report& report);

// Reads a saved report. Unknown keys are tolerated; a wrong type, a missing key or another schema is an error that
// names the place ("checks[3].observations[1].remote.port: expected a number, found a string").
struct ReadReport {
  std::optional<Report> report;
  std::string error;
};
ReadReport read_report(std::string_view text);

// The JSON Schema (draft 2020-12) of the report, as installed with the agent.
std::string_view report_schema();

}  // namespace vnetprobe
