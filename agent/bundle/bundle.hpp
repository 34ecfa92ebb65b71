#pragma once

#include "agent/bundle/collect.hpp"
#include "reports/model/report.hpp"

#include <functional>

namespace vnetprobe::bundle {

struct Wish {
  std::string path;                     // of the archive
  std::vector<std::string> only, skip;  // globs on the ids of collectors
  std::vector<std::string> own_patterns;
  std::chrono::seconds since{std::chrono::hours(24)};
  bool anonymize{};
  std::string spool;  // earlier reports lie there
  Bounds bounds;
};

struct Made {
  int items{}, failed{}, truncated{};
  std::size_t bytes{};  // before compression
  std::size_t redactions{};
  std::string map_path;  // with `anonymize`: the private map, beside the archive
};

// Collects, redacts and writes, item by item: no more than a few items are in memory at once. `progress` gets each id.
// Throws std::runtime_error that names the file when the archive cannot be written.
Made make_bundle(const Report& report, const Wish& wish, const std::function<void(std::string_view id)>& progress);

// What would be collected, with sizes where they are known beforehand.
std::string estimate(const Wish& wish);

// The manifest of a bundle, as text for people.
std::string inspect(const std::string& path, std::string& problem);

// The report in a bundle; `problem` says why there is none.
std::optional<std::string> report_in(const std::string& path, std::string& problem);
// The same of a bundle in memory; `name` is for messages.
std::optional<std::string> report_in_bytes(std::string_view bytes, const std::string& name, std::string& problem);

bool is_chosen(std::string_view id, const Wish& wish);

}  // namespace vnetprobe::bundle
