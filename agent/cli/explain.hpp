#pragma once

#include "reports/diagnosis/codes.hpp"

namespace vnetprobe {

// What `explain CODE` prints.
std::string explain_text(const CodeEntry& entry);
std::string explain_json(const CodeEntry& entry);

}  // namespace vnetprobe
