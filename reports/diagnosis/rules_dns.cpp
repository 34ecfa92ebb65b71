#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> dns_rules() { return {}; }

}  // namespace vnetprobe
