#include "reports/json/report_json.hpp"

#include "reports/json/write_described.hpp"

#include <boost/json/parse.hpp>

namespace vnetprobe {

namespace embedded {
extern const std::string_view report_schema_json;
}

std::string render_json(const Report& report) {
  // Ten thousand checks make 50 MB: growing by doubling would need twice that.
  constexpr std::size_t an_observation = 1000;
  std::size_t observations = 10;
  for (const auto& check : report.checks) observations += check.observations.size() + 1;
  JsonWriter out;
  out.reserve(observations * an_observation);
  described::write(out, report);
  return out.take();
}

std::string render_json(const Check& check) {
  JsonWriter out;
  described::write(out, check);
  return out.take();
}

boost::json::value to_json(const Report& report) { return boost::json::parse(render_json(report)); }

std::string_view report_schema() { return embedded::report_schema_json; }

}  // namespace vnetprobe
