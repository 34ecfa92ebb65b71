#include "reports/json/report_json.hpp"

#include "reports/json/write_described.hpp"

#include <boost/json/parse.hpp>

namespace vnetprobe {

namespace embedded {
std::string report_schema_json();
}

std::string render_json(const Report& report) {
  JsonWriter out;
  described::write(out, report);
  return out.take();
}

void write_json(const Report& report, const std::function<void(std::string_view)>& take) {
  JsonWriter out(take);
  described::write(out, report);
  take(out.take());
}

std::string render_json(const Check& check) {
  JsonWriter out;
  described::write(out, check);
  return out.take();
}

boost::json::value to_json(const Report& report) { return boost::json::parse(render_json(report)); }

std::string_view report_schema() {
  static const std::string schema = embedded::report_schema_json();
  return schema;
}

}  // namespace vnetprobe
