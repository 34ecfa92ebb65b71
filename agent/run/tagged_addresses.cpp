#include "agent/run/tagged_addresses.hpp"

#include "agent/tags/names.hpp"
#include "agent/tags/source.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

// --connect-to only changes where the packets went; the names' own addresses are what a tag is about.
std::set<std::string> public_addresses(const Check& check) {
  std::set<std::string> addresses;
  for (const auto& observation : check.observations) {
    if (observation.follow_up) continue;
    if (const auto* dns = std::get_if<DnsObservation>(&observation.seen))
      for (const auto& address : dns->addresses)
        if (is_public(address)) addresses.insert(address);
  }
  return addresses;
}

}  // namespace

void note_tagged_addresses(std::vector<Check>& checks, const tags::TagFile& file) {
  std::map<std::string, const tags::ServiceTag*> known;
  for (auto& check : checks) {
    if (!check.target.service_tag || check.proxy || check.target.private_endpoint) continue;
    const auto [at, is_new] = known.try_emplace(*check.target.service_tag);
    if (is_new) at->second = tags::find_tag(file, *check.target.service_tag, "").tag;
    if (!at->second) continue;
    for (const auto& text : public_addresses(check)) {
      const auto address = tags::parse_address(text);
      if (!address) continue;
      const auto& prefixes = at->second->prefixes;
      const bool inside =
          std::any_of(prefixes.begin(), prefixes.end(), [&](const tags::Cidr& one) { return one.contains(*address); });
      check.tagged_addresses.push_back({.address = text, .inside = inside});
    }
  }
}

ServiceTagFile describe_tags(const tags::TagFile& file, std::chrono::sys_days today) {
  return {.source = file.path,
          .cloud = file.cloud,
          .change_number = file.change_number,
          .date = file.date,
          .age_days = tags::age_in_days(file, today)};
}

}  // namespace vnetprobe
