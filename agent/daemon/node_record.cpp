#include "agent/daemon/node_record.hpp"

#include "reports/render/prometheus.hpp"
#include "reports/render/words.hpp"

namespace vnetprobe {

NodeRecord record_of(const Report& report, BootClock::time_point at) {
  NodeRecord record{.id = report.id,
                    .verdict = std::string(word(report.verdict)),
                    .headline = headline(report),
                    .metrics = render_prometheus(report),
                    .check_ids = {},
                    .at = at};
  for (const auto& check : report.checks) record.check_ids.push_back(check.id);
  return record;
}

}  // namespace vnetprobe
