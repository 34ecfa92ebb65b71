#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> clock_rules() { return {}; }

}  // namespace vnetprobe
