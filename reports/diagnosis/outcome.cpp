#include "reports/diagnosis/rule.hpp"

namespace vnetprobe {

Outcome outcome_without_finding(const Check& check, const Report&) {
  if (check.observations.empty()) return {Verdict::inconclusive, "nothing was observed"};
  const auto& last = check.observations.back().seen;
  if (is_ok(last)) return {Verdict::pass, "answered"};
  return {Verdict::inconclusive, "its " + std::string(layer_of(last)) + " layer failed for no known reason"};
}

}  // namespace vnetprobe
