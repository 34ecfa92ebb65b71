#pragma once

#include "agent/plan/plan.hpp"

namespace vnetprobe {

// The values of known_placeholders() that do not depend on a single resource, and the cloud's own. A value that nobody
// told is left out. `registry` and `vault` are in it; `account` and `resolver` are added check by check.
std::map<std::string, std::string> plan_values(const Catalogue& catalogue, const Discovery& discovery);

// Storage that is reached by its public address: the first account without a private endpoint; where all have one, the
// first; null where none is known.
const StorageAccount* public_account(const Settings& settings);

// The workspace's region; the node's, where only that is known.
const Setting<std::string>& region_of_workspace(const Settings& settings);

// Which setting would give a placeholder its value: "`instance`", "`workspace.id`".
std::string_view setting_for(std::string_view placeholder);

}  // namespace vnetprobe
