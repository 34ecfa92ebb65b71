#pragma once

#include "agent/delivery/uplink.hpp"
#include "reports/model/report.hpp"

namespace vnetprobe {

// What a new report says of those that wait; absent: nothing to say, or no sink is configured. `directory` empty: the
// default spool.
std::optional<SpoolNote> spool_note(const std::string& directory, const Settings& settings);

// Notes a finished report for the sinks that want it and sends what is due, for 20 s at most. A failure is told on
// stderr and changes no exit status: the report waits.
void deliver_now(const Report& report, const std::string& directory, const Settings& settings,
                 const delivery::Uplink& uplink);

}  // namespace vnetprobe
