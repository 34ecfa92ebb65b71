#pragma once

#include "agent/tags/audit.hpp"
#include "agent/tags/diff.hpp"
#include "agent/tags/tag_index.hpp"

// What the verbs of `tags` print, as values.
namespace vnetprobe {

struct LookedUp {
  std::string asked;    // an address, or the name that resolved to it
  std::string address;  // empty: `error`
  std::string error;
  std::vector<tags::Containing> tags;
};
std::string lookup_text(const LookedUp& one);
std::string lookup_json(const LookedUp& one);  // one element of the array

std::string show_text(const tags::TagFile& file, const tags::ServiceTag& tag);
std::string show_json(const tags::ServiceTag& tag);
std::string info_text(const tags::TagFile& file, std::size_t unique_prefixes, std::optional<int> age);
std::string info_json(const tags::TagFile& file, std::size_t unique_prefixes, std::optional<int> age);
std::string audit_text(const tags::Audit& audit);
std::string audit_json(const tags::Audit& audit);
std::string diff_text(const std::vector<tags::TagChange>& changes);
std::string diff_json(const std::vector<tags::TagChange>& changes);
std::string route_changes_text(const tags::RouteChanges& changes, const std::string& region);
std::string route_changes_json(const tags::RouteChanges& changes);

}  // namespace vnetprobe
