#pragma once

#include "agent/plan/plan.hpp"
#include "agent/run/resolution.hpp"
#include "reports/diagnosis/diagnose.hpp"

#include <set>

namespace vnetprobe {

// What a whole run may spend on experiments: a broken network must neither keep the agent busy nor cost a service its
// connections (a path is up to 30 SYNs to one address).
class ExperimentBudget {
 public:
  // False: not any more, or this very thing was asked before.
  bool spend(const FollowUp& question);

 private:
  int paths_{6}, handshakes_{36}, datagrams_{8}, climbs_{16}, lookups_{12}, bursts_{6};
  std::set<std::string> traced_;  // where paths have been asked for
};

// Asks what next_questions() wants to know about a climbed check, in a few rounds, and adds the answers. `control_name`
// is a name of the plan for checks that have none of their own.
asio::awaitable<void> follow_up(const PlannedCheck& planned, const Equipment& equipment, Names& names,
                                const std::string& control_name, ExperimentBudget& budget, Check& check);

// Carries out one question about a check.
asio::awaitable<void> answer_question(FollowUp question, const PlannedCheck& planned, const Equipment& equipment,
                                      Names& names, const std::string& control_name, Check& check);

}  // namespace vnetprobe
