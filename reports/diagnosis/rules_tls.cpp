#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> tls_rules() { return {}; }

}  // namespace vnetprobe
