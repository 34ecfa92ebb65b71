#pragma once

#include "agent/delivery/sinks.hpp"

namespace vnetprobe::delivery {

// What a receiver's answer means: 2xx took it; 408, 425, 429 and 5xx may take it later; anything else never will, and
// neither will whom a redirect names. `where` is for people.
Attempt judge(const ServerReply& reply, const std::string& where);

// Retry-After in seconds (RFC 9110 section 10.2.3), a date counted from `now`.
std::optional<std::chrono::seconds> retry_after(std::string_view value, std::chrono::sys_seconds now);

}  // namespace vnetprobe::delivery
