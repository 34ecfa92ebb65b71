#pragma once

#include "agent/tags/prefix_order.hpp"

namespace vnetprobe::tags {

struct ServiceTag {
  std::string name;    // "Storage.EastUS2"
  std::string region;  // the file's token ("eastus2", "germanywc"); empty: a global tag
  long change_number{};
  std::vector<Cidr> prefixes;  // in the file's order
};

// Azure IP Ranges and Service Tags, of any cloud and year, or what `az network list-service-tags` prints.
struct TagFile {
  std::string path;   // where it came from, for people
  std::string cloud;  // "Public", "AzureGovernment", "China", "AzureGermany"; empty where only an array was left
  long change_number{};
  std::string date;  // "2025-11-10", from the file's name or the snapshot; empty: unknown
  std::vector<ServiceTag> tags;
  std::optional<PrefixOrder> order;  // only where it came from the compact form

  std::size_t prefix_count() const;
};

struct TagFileRead {
  std::optional<TagFile> file;
  std::vector<std::string> errors;  // each names the byte or the tag; with `lenient` what was left out
};

// `bytes` may be gzip, have a warning line before the JSON, or be a filtered bare array. Lenient: a bad entry is told
// in `errors` and the rest kept.
TagFileRead read_tag_file(std::string_view bytes, const std::string& path, bool lenient);

// "ServiceTags_Public_20251110.json.gz" -> "2025-11-10"; empty: the name has no date.
std::string date_in_name(std::string_view path);

}  // namespace vnetprobe::tags
