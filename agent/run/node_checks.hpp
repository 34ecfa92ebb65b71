#pragma once

#include "agent/run/climb.hpp"

namespace vnetprobe {

// The evidence of those `node.*` checks for which discovery has read everything. False: the check is none of them.
bool observe_what_is_read(const Discovery& discovery, Check& check);

// The evidence of a `node.*` check: what discovery already read, or a question to one of the node's own services (a
// resolver, IMDS, WireServer). `control_name` is a name of the plan that a working resolver can be asked for.
asio::awaitable<void> observe_node(const PlannedCheck& planned, const Equipment& equipment,
                                   const std::string& control_name, Check& check);

}  // namespace vnetprobe
