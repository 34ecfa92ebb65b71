#pragma once

#include "agent/config/settings.hpp"
#include "agent/plan/plan.hpp"

namespace vnetprobe {

// The check of a target that the user named. Absent: it is neither a URL nor host:port.
std::optional<PlannedCheck> check_of(const UserTarget& wanted);

}  // namespace vnetprobe
