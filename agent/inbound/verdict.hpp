#pragma once

#include "agent/inbound/results.hpp"

namespace vnetprobe::inbound {

// Fills in `verdict`, `says` and `next` from what was seen (diagnosis-codes 3). Pure.
void judge(PortReach& reach, bool with_token);

// 0: every port was reached at one address at least, by the token.
int exit_status(const ReachReport& report);
// 0: every port that could be listened at was reached by somebody with the token.
int exit_status(const ListenReport& report);

}  // namespace vnetprobe::inbound
