#include "reports/diagnosis/diagnose.hpp"
#include "reports/fleet/fleet.hpp"
#include "reports/json/report_json.hpp"

#include <cstdint>

// Saved reports of strangers: any bytes, whole or as a summary. What can be read is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vnetprobe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto summary = read_summary(text, "fuzz");
  if (summary.node) merge_fleet({*summary.node, *summary.node}, {});
  if (auto read = read_report(text); read.report) {
    if (!read_report(render_json(*read.report)).report) __builtin_trap();
    diagnose(*read.report);
  }
  return 0;
}
