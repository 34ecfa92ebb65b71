#pragma once

#include "agent/tags/tag_file.hpp"

#include <chrono>

namespace vnetprobe::tags {

// Which file to use: the one named, else the newest of the configured file, the installed one and the snapshot.
struct SourceWish {
  std::string named;       // --service-tags
  std::string configured;  // service_tags of the configuration
  std::string cloud;       // "public", "usgov", "china": the snapshot's
  bool lenient{};
};
TagFileRead open_tags(const SourceWish& wish);

// Where `tags update` puts a file and everybody looks for it.
inline constexpr const char* installed_path = "/var/lib/vnetprobe/service-tags.json";

TagFileRead read_tag_path(const std::string& path, bool lenient);
TagFile snapshot(std::string_view cloud);

// Days since the file's date; absent: it has none.
std::optional<int> age_in_days(const TagFile& file, std::chrono::sys_days today);

}  // namespace vnetprobe::tags
