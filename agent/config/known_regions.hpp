#pragma once

#include <span>
#include <string_view>

namespace vnetprobe {

// ARM names of the regions of all clouds (azure-facts 5.6, 6). New ones open every year: a name that is not here is
// worth a question to the user, never a refusal.
std::span<const std::string_view> known_regions();

}  // namespace vnetprobe
