#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> service_rules() { return {}; }

}  // namespace vnetprobe
