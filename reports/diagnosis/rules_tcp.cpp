#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> tcp_rules() { return {}; }

}  // namespace vnetprobe
