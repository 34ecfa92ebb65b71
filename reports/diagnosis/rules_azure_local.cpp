#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> azure_local_rules() { return {}; }

}  // namespace vnetprobe
