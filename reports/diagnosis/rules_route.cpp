#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> route_rules() { return {}; }

}  // namespace vnetprobe
