#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> http_rules() { return {}; }

}  // namespace vnetprobe
