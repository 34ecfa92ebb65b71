#pragma once

#include "reports/diagnosis/diagnose.hpp"

// The parts of next_questions().
namespace vnetprobe {

// After silence, a refusal or a handshake that was cut: where on the way, which part of it, and does packet size
// matter?
std::vector<FollowUp> transport_questions(const Check& check);

// The check's connection leads to a proxy.
bool uses_proxy(const Check& check);

}  // namespace vnetprobe
