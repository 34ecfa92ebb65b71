#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

std::span<const NamedRule> websocket_rules() { return {}; }

}  // namespace vnetprobe
