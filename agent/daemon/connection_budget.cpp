#include "agent/daemon/connection_budget.hpp"

#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vnetprobe {
namespace {

// A path is so many connection attempts, whatever came back of them.
constexpr int attempts_of_a_path = 30;

struct Counter {
  std::map<std::string, int>& made;
  bool follow_up{};

  void add(const Endpoint& to, int count) const {
    if (count > 0 && is_public(to.address)) made[fmt::format("{}:{}", to.address, to.port)] += count;
  }
  void operator()(const TcpObservation& seen) const { add(seen.remote, 1); }
  // An experiment's handshake stands for its connection too.
  void operator()(const TlsObservation& seen) const { add(seen.remote, follow_up ? 1 : 0); }
  void operator()(const PathObservation& seen) const { add(seen.remote, attempts_of_a_path); }
  template <class Other>
  void operator()(const Other&) const {}
};

}  // namespace

std::map<std::string, int> connections_of(const Report& report) {
  std::map<std::string, int> made;
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations)
      std::visit(Counter{.made = made, .follow_up = observation.follow_up.has_value()}, observation.seen);
  return made;
}

void ConnectionBudget::note(const std::map<std::string, int>& made, Time now) {
  for (auto it = used_.begin(); it != used_.end();) {
    auto& uses = it->second;
    while (!uses.empty() && uses.front().when + window <= now) uses.pop_front();
    it = uses.empty() ? used_.erase(it) : std::next(it);
  }
  for (const auto& [destination, count] : made) used_[destination].push_back({.when = now, .count = count});
}

ConnectionBudget::Time ConnectionBudget::free_at(Time now) const {
  Time earliest = now;
  for (const auto& [destination, uses] : used_) {
    const int again = uses.empty() ? 0 : uses.back().count;
    int taken = 0;
    for (const auto& use : uses) taken += use.when + window > now ? use.count : 0;
    // The oldest go first; one run that is over the budget by itself has to wait until its ports are free again.
    for (const auto& use : uses) {
      if (taken == 0 || taken + again <= connections) break;
      if (use.when + window <= now) continue;
      taken -= use.count;
      earliest = std::max(earliest, use.when + window);
    }
  }
  return earliest;
}

}  // namespace vnetprobe
