#pragma once

#include "reports/compare/compare.hpp"

namespace vnetprobe {

// What the two nodes themselves differ in: what was discovered, and what their checks saw of resolvers, answers,
// routes, certificates, clock and certificate store. Public addresses of one name may differ from question to question
// and are no difference; private against public, or an answer against none, is.
std::vector<NodeDifference> node_differences(const Report& a, const Report& b);

}  // namespace vnetprobe
