#pragma once

#include "agent/tags/tag_file.hpp"

namespace vnetprobe::tags {

// One spelling for a region: "East US 2", "EastUS2", "eastus2" -> "eastus2"; the file's odd tokens ("centralfrance",
// "germanywc", "norwaye": azure-facts 5.6), the article's "US-Virginia" and the documented "uswest" as well.
std::string canonical_region(std::string_view text);

// The region of a tag ("Storage.EastUS2" -> "eastus2", "AzureCloud.germanywc" -> "germanywestcentral"); empty: global.
std::string region_of(const ServiceTag& tag);

struct TagSearch {
  const ServiceTag* tag{};
  std::string error;  // names what was looked for, and near names
};
// Case and blanks do not count; misspellings that the documents use are known ("Frontdoor.FirstParty",
// "Keyvault.eastus"). `region` may be empty.
TagSearch find_tag(const TagFile& file, std::string_view name, std::string_view region);

// Up to three names that are nearest to `wanted`, nearest first.
std::vector<std::string> near_names(const TagFile& file, std::string_view wanted);

}  // namespace vnetprobe::tags
