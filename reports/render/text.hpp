#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

struct TextStyle {
  bool colour{};
  int width = 80;
  bool verbose{};  // every check with its observations
  bool quiet{};    // diagnoses and the verdict line only
};

// The text report: diagnoses first, then failing checks, then one line per group of healthy ones.
std::string render_text(const Report& report, const TextStyle& style);

}  // namespace vnetprobe
