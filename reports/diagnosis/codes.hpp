#pragma once

#include "reports/model/diagnosis.hpp"

#include <span>
#include <string_view>

namespace vnetprobe {

// One row of the table of codes: the text that `explain CODE` prints and that a diagnosis starts from.
// The table is data: reports/diagnosis/codes.yaml, compiled in; diagnosis-codes.md section 1 is its source.
struct CodeEntry {
  std::string code;
  std::string title;        // one line, what is wrong; may have {subject}
  std::string explanation;  // two to four sentences in the words of the user
  Owner owner{};
  Confidence best_confidence{};
  std::string evidence;  // what must have been seen
  std::string misleads;  // what else looks like it, and the guard (diagnosis-codes section 2); may be empty
  std::vector<std::string> alternatives;
  std::string next_test;
  std::vector<Fix> fix;
  std::string reference;
  bool one_per_node{};  // there is one of it on a node, whatever it hits: findings of all subjects are one diagnosis
  bool healthy{};       // names a healthy state (http.reached_needs_auth): never a diagnosis, only a check's reason
};

std::span<const CodeEntry> all_codes();
const CodeEntry* find_code(std::string_view code);
// The entry as it reads without a report: <subject> for {subject}, and what stands for an unknown value.
CodeEntry without_values(CodeEntry entry);
// The codes nearest to a misspelt one, best first, at most `limit`.
std::vector<std::string> nearest_codes(std::string_view code, std::size_t limit = 3);

}  // namespace vnetprobe
