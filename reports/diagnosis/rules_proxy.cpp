#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> proxy_rules() { return {}; }

}  // namespace vnetprobe
