#pragma once

#include "reports/diagnosis/findings.hpp"

namespace vnetprobe {

// What the node's outbound policy adds to the fix of a silence. Forced tunnelling: the routes to the internet that
// Batch and Azure Machine Learning need (article: Forced tunneling). Rules by service tag: a rule for each tag that is
// silent. Empty where the finding is about something else, or anything may go out.
std::vector<Fix> fixes_by_service_tag(const Report& report, const CheckPlaces& places, const Finding& finding);

}  // namespace vnetprobe
