#pragma once

#include "agent/bundle/collect.hpp"

namespace vnetprobe::bundle {

// What the agent makes itself: "environment" (its own, as in /proc/self/environ) and "ca-store" (what lies in the
// system's store and beside it).
std::vector<Item> own_items(const Collector& collector);

// Earlier reports that lie in a spool, the ten newest.
std::vector<Item> earlier_reports(const std::string& spool, const Bounds& bounds);

// Login names of people: uid 1000 and above, and who has called sudo.
std::vector<std::string> people_of_this_node();

}  // namespace vnetprobe::bundle
