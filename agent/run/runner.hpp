#pragma once

#include "agent/plan/plan.hpp"
#include "agent/run/equipment.hpp"

#include <functional>

namespace vnetprobe {

// Told as checks begin and end, on the runner's own thread.
struct Watcher {
  std::function<void(const std::string& id)> started;
  std::function<void(const Check& check)> finished;
  std::function<void()> tick;  // about ten times a second, while anything is under way
};

struct RunBounds {
  std::chrono::milliseconds deadline{60000};
  int concurrency{};  // checks under way at once; 0: as many as the descriptor limit carries
};

enum class Interruption { none, deadline, signal };

struct RunOutcome {
  std::vector<Check> checks;  // in plan order; those cut off have `finished` false
  Interruption interrupted{};
};

// Carries the plan out on an event loop of its own and returns when every check has ended, the deadline has passed, or
// SIGINT or SIGTERM has come. A check that meets a broken promise of ours becomes inconclusive; the others go on.
RunOutcome run_plan(const Plan& plan, const Equipment& equipment, const RunBounds& bounds, const Watcher& watcher);

}  // namespace vnetprobe
