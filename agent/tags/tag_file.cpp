#include "agent/tags/tag_file.hpp"

#include "agent/tags/tag_events.hpp"
#include "probes/inflate.hpp"

#include <fmt/format.h>

#include <numeric>

namespace vnetprobe::tags {
namespace {

constexpr std::size_t inflated_at_most = 64U << 20;

// The CLI may print a warning line first. An HTML page has no JSON at the start of a line.
std::size_t start_of_json(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = text.find_first_not_of(" \t\r", at);
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) return first;
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return std::string_view::npos;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace

std::size_t TagFile::prefix_count() const {
  return std::accumulate(tags.begin(), tags.end(), std::size_t{0},
                         [](std::size_t sum, const ServiceTag& tag) { return sum + tag.prefixes.size(); });
}

std::string date_in_name(std::string_view path) {
  const auto name = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  for (std::size_t at = 0; at + 9 <= name.size(); ++at) {
    if (name[at] != '_') continue;
    const auto digits = name.substr(at + 1, 8);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) continue;
    return fmt::format("{}-{}-{}", digits.substr(0, 4), digits.substr(4, 2), digits.substr(6, 2));
  }
  return {};
}

TagFileRead read_tag_file(std::string_view bytes, const std::string& path, bool lenient) {
  TagFileRead read;
  std::optional<std::string> inflated;
  if (is_gzip(bytes)) {
    inflated = inflate(bytes, inflated_at_most);
    if (!inflated) {
      read.errors.push_back(fmt::format("{}: broken or oversized gzip data; get the file again", path));
      return read;
    }
    bytes = *inflated;
  }
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const auto start = start_of_json(bytes);
  const auto word = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (word != std::string_view::npos && bytes[word] == '<')) {
    const bool page = word != std::string_view::npos && bytes[word] == '<';
    read.errors.push_back(
        fmt::format("{}: {}; download the JSON file itself (ServiceTags_Public_YYYYMMDD.json) or run `az network "
                    "list-service-tags`",
                    path, page ? "an HTML page and not the file" : "no JSON in it"));
    return read;
  }
  auto events = read_tag_events(bytes.substr(start), path, lenient);
  read.errors = std::move(events.errors);
  if (events.problem) {
    read.errors.push_back(fmt::format("{}: byte {}: {}", path, start + events.good_bytes, events.problem.message()));
    return read;
  }
  auto& file = events.file;
  file.path = path;
  if (const auto date = date_in_name(path); !date.empty()) file.date = date;
  if (read.errors.empty() || (lenient && !file.tags.empty())) read.file = std::move(file);
  return read;
}

}  // namespace vnetprobe::tags
