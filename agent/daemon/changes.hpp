#pragma once

#include "reports/model/report.hpp"

#include <deque>
#include <string_view>

// Which reports are news. Pure.
namespace vnetprobe {

// What two runs are compared by: the verdict, and the diagnoses above info.
struct NodeState {
  std::string verdict;
  std::vector<std::string> codes;  // sorted, each once
  bool operator==(const NodeState&) const = default;
};
NodeState state_of(const Report& report);

// Three changes within eight runs are flapping: that is told once, and then nothing until four runs in a row were
// alike, which is told too. Everything else that differs from the run before is a change.
class ChangeTracker {
 public:
  // Absent: no news.
  std::optional<StateChange> note(const NodeState& now);

  bool flapping() const { return flapping_; }
  // Whether the last state noted was another than, or the same as, the one before it; the first is neither.
  bool changed() const { return !recent_.empty() && recent_.back(); }
  bool unchanged() const { return !recent_.empty() && !recent_.back(); }

  // As text on disk, so that a restart is not news. Anything that cannot be read is a tracker that has seen nothing.
  std::string to_json() const;
  static ChangeTracker from_json(std::string_view text);

 private:
  std::optional<NodeState> last_;
  std::deque<bool> recent_;  // whether each of the last runs differed from the one before it
  bool flapping_{};
};

}  // namespace vnetprobe
