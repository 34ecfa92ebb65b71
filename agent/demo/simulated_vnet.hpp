#pragma once

#include "agent/demo/faults.hpp"

#include <memory>
#include <string>
#include <vector>

namespace vnetprobe::demo {

// A VNet with a workspace in it, served on loopback by a thread of its own: DNS with private zones, TLS endpoints that
// answer as Azure's services do, WebSockets, IMDS and WireServer. Nothing of it needs a right, and no packet leaves the
// machine.
class SimulatedVnet {
 public:
  explicit SimulatedVnet(Fault fault);
  ~SimulatedVnet();
  SimulatedVnet(const SimulatedVnet&) = delete;
  SimulatedVnet& operator=(const SimulatedVnet&) = delete;

  // The flags of `run` that lead the agent here; the files that they name live as long as this object.
  std::vector<std::string> run_flags() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vnetprobe::demo
