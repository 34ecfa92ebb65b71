#pragma once

#include "agent/plan/plan.hpp"

namespace vnetprobe {

// What `list` prints, in 80 columns or as JSON; `list checks` also as YAML, which is the whole catalogue.
std::string list_checks(const Plan& plan, const Catalogue& catalogue, std::string_view format);
std::string list_profiles(std::string_view format);
std::string list_codes(std::string_view format);

}  // namespace vnetprobe
