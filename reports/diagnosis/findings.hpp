#pragma once

#include "reports/diagnosis/rule.hpp"

#include <unordered_map>

// From the rules' findings to the diagnoses of the report.
namespace vnetprobe {

// A finding with its place in the decision order. Findings of one code and subject are already one.
struct Found {
  Finding finding;
  std::size_t order{};
};

// Runs the rules over the report's observations, in order. A check that an earlier rule explained is closed to the
// later ones, and a finding about nothing but such checks is dropped: its checks are victims of the earlier cause.
std::vector<Found> run_rules(const Report& report);

// Where each check stands in the report: reports may have ten thousand of them.
using CheckPlaces = std::unordered_map<std::string_view, std::size_t>;
CheckPlaces places_of(const Report& report);

// The finding in the table's words, filled with its values and with what the report knows (node, first check's target).
Diagnosis to_diagnosis(const Report& report, const CheckPlaces& places, const Finding& finding, Severity severity);

}  // namespace vnetprobe
