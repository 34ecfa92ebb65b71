#pragma once

#include "agent/daemon/schedule.hpp"
#include "reports/model/report.hpp"

#include <deque>
#include <map>

namespace vnetprobe {

// New connections to each destination outside private address space ("address:port") that a report shows, experiments
// included: what takes a port of a NAT gateway, a load balancer or a firewall.
std::map<std::string, int> connections_of(const Report& report);

// Keeps a thousand agents behind one public address of a NAT gateway within the 50,000 connections that it has for one
// destination: 50 each within the four minutes for which an idle one keeps its port (azure-facts 9.5). Pure.
class ConnectionBudget {
 public:
  static constexpr int connections = 50;
  static constexpr std::chrono::minutes window{4};
  using Time = BootClock::time_point;

  void note(const std::map<std::string, int>& made, Time now);
  // When as many connections again as the last run made are within the budget; `now` or earlier: at once.
  Time free_at(Time now) const;

 private:
  struct Use {
    Time when;
    int count{};
  };
  std::map<std::string, std::deque<Use>> used_;
};

}  // namespace vnetprobe
