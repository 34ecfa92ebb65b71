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

// From the compact form beside it where that is of this very file, else from the file.
TagFileRead read_tag_path(const std::string& path, bool lenient);

// Puts `bytes`, whose content `file` is, at `path`, and the compact form beside it, which keeps the date too that was
// in the original's name. Each is replaced as a whole: a reader finds the old file or the new one. The reason, if it
// failed.
std::string install(const std::string& path, const std::string& bytes, const TagFile& file);

TagFile snapshot(std::string_view cloud);

// Days since the file's date; absent: it has none.
std::optional<int> age_in_days(const TagFile& file, std::chrono::sys_days today);

}  // namespace vnetprobe::tags
