#pragma once

#include "agent/delivery/spool.hpp"

#include <string_view>

// The spool's small files as text. Reading takes any bytes.
namespace vnetprobe::delivery {

std::string entry_json(const Entry& entry);
std::optional<Entry> read_entry_json(std::string_view text);  // absent: damaged

std::string dropped_json(const SpoolState& count);
SpoolState read_dropped_json(std::string_view text);  // nothing, or damaged: zeros

std::string last_seen_json(const LastSeen& last);
std::optional<LastSeen> read_last_seen_json(std::string_view text);

}  // namespace vnetprobe::delivery
