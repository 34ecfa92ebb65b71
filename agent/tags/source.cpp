#include "agent/tags/source.hpp"

#include "agent/cli/read_file.hpp"
#include "agent/cli/write_file.hpp"
#include "agent/tags/compact.hpp"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>

namespace vnetprobe::embedded {
extern const std::string_view tags_public, tags_usgov, tags_china;
}  // namespace vnetprobe::embedded

namespace vnetprobe::tags {
namespace {

constexpr std::size_t file_at_most = 64U << 20;

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  int year{}, month{}, day{};
  if (text.size() != 10) return std::nullopt;
  std::from_chars(text.data(), text.data() + 4, year);
  std::from_chars(text.data() + 5, text.data() + 7, month);
  std::from_chars(text.data() + 8, text.data() + 10, day);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  return date.ok() ? std::optional(std::chrono::sys_days{date}) : std::nullopt;
}

std::string compact_path(const std::string& path) { return path + ".compact"; }

std::optional<Stamp> stamp_of(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0 || !S_ISREG(state.st_mode)) return std::nullopt;
  return Stamp{.size = static_cast<std::uint64_t>(state.st_size),
               .modified = state.st_mtim.tv_sec * std::int64_t{1'000'000'000} + state.st_mtim.tv_nsec};
}

std::optional<TagFile> read_compact(const std::string& path) {
  const auto stamp = stamp_of(path);
  if (!stamp || !stamp_of(compact_path(path))) return std::nullopt;
  const auto bytes = read_file(compact_path(path), file_at_most);
  auto file = from_compact(bytes.bytes, *stamp);
  if (file) file->path = path;
  return file;
}

}  // namespace

std::string install(const std::string& path, const std::string& bytes, const TagFile& file) {
  if (auto problem = write_file(path, bytes); !problem.empty()) return problem;
  const auto stamp = stamp_of(path);
  return stamp ? write_file(compact_path(path), to_compact(file, *stamp)) : std::string();
}

TagFileRead read_tag_path(const std::string& path, bool lenient) {
  if (auto compact = read_compact(path)) return {.file = std::move(compact), .errors = {}};
  const auto file = read_file(path, file_at_most);
  if (!file.error.empty()) return {.file = {}, .errors = {file.error}};
  return read_tag_file(file.bytes, path == "-" ? "stdin" : path, lenient);
}

TagFile snapshot(std::string_view cloud) {
  const auto bytes = cloud == "usgov"   ? embedded::tags_usgov
                     : cloud == "china" ? embedded::tags_china
                                        : embedded::tags_public;
  return read_tag_file(bytes, "the built-in snapshot", false).file.value();
}

TagFileRead open_tags(const SourceWish& wish) {
  if (!wish.named.empty()) return read_tag_path(wish.named, wish.lenient);
  TagFileRead newest{.file = snapshot(wish.cloud), .errors = {}};
  std::error_code ignored;
  for (const auto& path : {wish.configured, std::string(installed_path)}) {
    if (path.empty() || (path == installed_path && !std::filesystem::exists(path, ignored))) continue;
    auto read = read_tag_path(path, wish.lenient);
    if (!read.file) return read;
    // A file without a date was put there by somebody who wants it.
    const bool same_cloud =
        read.file->cloud.empty() || read.file->cloud == newest.file->cloud || path == wish.configured;
    if (same_cloud && (read.file->date.empty() || read.file->date >= newest.file->date)) newest = std::move(read);
  }
  return newest;
}

std::optional<int> age_in_days(const TagFile& file, std::chrono::sys_days today) {
  const auto date = parse_date(file.date);
  return date ? std::optional(static_cast<int>((today - *date).count())) : std::nullopt;
}

}  // namespace vnetprobe::tags
