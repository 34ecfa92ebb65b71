#pragma once

#include "reports/bundle/secret_extent.hpp"

#include <span>
#include <string_view>

namespace vnetprobe::bundle {

// `lead` (RE2, case-insensitive) matches what stands before a secret; `read` finds the secret behind it. Without `read`
// the secret is the match itself, or its first group. `accept` says whether it can be one: false positives are kept
// out there.
struct RedactionRule {
  std::string_view id;
  std::string_view lead;
  ReadExtent read{};
  bool (*accept)(std::string_view lead, std::string_view secret) = nullptr;
};

// In order: where two rules claim the same text, the first names it.
std::span<const RedactionRule> redaction_rules();

// A row's `accept` for values of secret names.
bool may_be_secret(std::string_view lead, std::string_view value);

}  // namespace vnetprobe::bundle
