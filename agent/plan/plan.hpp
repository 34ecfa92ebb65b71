#pragma once

#include "agent/catalogue/catalogue.hpp"
#include "agent/discovery/discover.hpp"

namespace vnetprobe {

// A check to run: what the report will show of it, and how to carry it out.
struct PlannedCheck {
  Check check;  // id, title, why, required, target filled in; verdict and reason set only when it is not to be run
  Stack stack{};
  std::vector<HttpHeader> headers;
  bool run{true};  // false: shown as skip with check.reason ("not applicable because ...")
};

struct Plan {
  std::vector<PlannedCheck> checks;
  std::vector<std::string> not_checked;  // requirement, and the value that would add it
  std::vector<std::string> left_out;     // requirement of other networks, and the condition that does not hold here
  std::vector<std::string> idle_globs;   // of the selection: those that fit no requirement of this node
};

struct Selection {
  std::vector<std::string> only, skip;  // globs over ids; `*` also matches `/` and `.`
};

// Pure. Every entry of the catalogue that holds for this node, expanded (one check per storage account and service, per
// resolver, per user target), in catalogue order. A placeholder without a value moves the entry to not_checked.
Plan make_plan(const Catalogue& catalogue, const Discovery& discovery, const Selection& selection);

// {name} -> value; an unknown one is returned in `missing`.
struct Expansion {
  std::string text;
  std::string missing;
};
Expansion expand(std::string_view text, const std::map<std::string, std::string>& values);

bool glob_matches(const std::string& pattern, const std::string& text);

// The paired region of azure-facts section 6; empty for a region without a pair or an unknown one.
std::string paired_region(std::string_view region);
// Whether Microsoft says that the region has none. False too where nothing is said of it.
bool has_no_pair(std::string_view region);
// "eastus2" -> "EastUS2", the suffix that service tags use (azure-facts 5.6).
std::string tag_suffix(std::string_view region);
// "East US 2" -> "eastus2".
std::string normalise_region(std::string_view region);

}  // namespace vnetprobe
