#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> outbound_rules() { return {}; }

}  // namespace vnetprobe
