#pragma once

#include "agent/daemon/metrics.hpp"
#include "agent/delivery/sender.hpp"

#include <boost/asio/io_context.hpp>

namespace vnetprobe {

// Delivers the daemon's reports: notes each in the spool for the sinks that want it, and sends what is due.
class Courier {
 public:
  Courier(asio::io_context& loop, std::filesystem::path spool);

  // Takes the sinks of `settings`. Where it has none, nothing is written to disk.
  void configure(const Settings& settings, const std::vector<ConnectTo>& connect_to);

  void annotate(Report& report);    // with what waits in the spool
  void take(const Report& report);  // sinks with `when: change` get it only with `report.change`
  void tell(DaemonFigures& figures) const;

  // Never ends by itself.
  asio::awaitable<void> keep_sending();

 private:
  struct Means;
  asio::awaitable<void> send_round();

  std::filesystem::path directory_;
  std::shared_ptr<Means> means_;  // absent: nothing to deliver to
  std::optional<delivery::Spool> spool_;
  asio::steady_timer poke_;
  DaemonFigures counted_;
  std::string last_problem_;
};

}  // namespace vnetprobe
