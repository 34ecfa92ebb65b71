#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> private_endpoint_rules() { return {}; }

}  // namespace vnetprobe
