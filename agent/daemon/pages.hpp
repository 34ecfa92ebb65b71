#pragma once

#include "agent/daemon/child_run.hpp"
#include "agent/daemon/configuration.hpp"
#include "agent/daemon/metrics.hpp"
#include "agent/daemon/node_record.hpp"

namespace vnetprobe {

// What the pages show, and the one thing that they can start.
class PageSource {
 public:
  virtual ~PageSource() = default;
  virtual const std::optional<NodeRecord>& record() const = 0;
  virtual std::optional<std::string> report() const = 0;  // the last one in JSON
  virtual const DaemonConfiguration& configuration() const = 0;
  virtual DaemonFigures figures() const = 0;
  virtual bool stale() const = 0;  // nothing was reported for three intervals
  virtual std::string status() const = 0;
  virtual asio::awaitable<ChildEnding> run_child(std::vector<std::string> arguments,
                                                 std::chrono::milliseconds limit) = 0;
};

// /, /metrics, /probe, /report, /report.json and /healthz. `source` outlives what is returned.
Pages make_pages(PageSource& source);

double seconds_since_1970();

}  // namespace vnetprobe
