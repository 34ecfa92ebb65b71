#pragma once

#include "agent/inbound/results.hpp"

// The results as text for people and as JSON. Pure.
namespace vnetprobe::inbound {

std::string as_text(const ReachReport& report, bool colour);
std::string as_text(const ListenReport& report, bool colour);
std::string as_json(const ReachReport& report);
std::string as_json(const ListenReport& report);

}  // namespace vnetprobe::inbound
