#pragma once

#include "agent/plan/plan.hpp"

namespace vnetprobe {

// What `list` prints, in 80 columns or as JSON; `list checks` also as YAML, a catalogue cut down to what applies to
// this node.
std::string list_checks(const Plan& plan, const Catalogue& catalogue, const Discovery& discovery,
                        std::string_view format);
std::string list_profiles(std::string_view format);
std::string list_codes(std::string_view format);

}  // namespace vnetprobe
