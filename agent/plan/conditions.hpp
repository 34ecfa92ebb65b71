#pragma once

#include "agent/catalogue/catalogue.hpp"
#include "agent/config/settings.hpp"

// Which entries of the catalogue hold for this node, and the words for those that do not. `is_private`: the resource
// that the entry is about has a private endpoint.
namespace vnetprobe {

// About this kind of compute, era and cloud.
bool is_for(const CatalogueEntry& entry, const Settings& settings);

// In its id or its host.
bool has_placeholder(const CatalogueEntry& entry, std::string_view placeholder);

// The condition by which an entry is about other networks than this one, so that nobody would ask for it here; ""
// when there is none.
std::string unmet_condition(const CatalogueEntry& entry, const Settings& settings, bool is_private);

// Why an entry that somebody may look for does not hold here; "" when it holds.
std::string objection(const CatalogueEntry& entry, const Settings& settings, bool is_private);

}  // namespace vnetprobe
