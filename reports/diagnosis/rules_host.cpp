#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> host_rules() { return {}; }

}  // namespace vnetprobe
