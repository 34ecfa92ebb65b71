#pragma once

#include "reports/model/check.hpp"

#include <vector>

namespace vnetprobe {

// Takes out of everything that was observed, and of the targets' URLs, what looks like a secret: servers echo what they
// were sent, and users write tokens into addresses. Done once nothing is asked any more.
void take_secrets_out(std::vector<Check>& checks);

}  // namespace vnetprobe
