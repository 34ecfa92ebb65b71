#include "agent/bundle/own_items.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <filesystem>

namespace vnetprobe::bundle {
namespace {

namespace fs = std::filesystem;

// "2026-03-15 12:00    1234  /usr/local/share/ca-certificates/contoso.crt"
std::string listing(const char* folder) {
  std::error_code gone;
  std::vector<std::string> lines;
  for (fs::directory_iterator entry(folder, gone), end; !gone && entry != end; entry.increment(gone)) {
    std::error_code problem;
    if (!entry->is_regular_file(problem) || entry->is_symlink(problem)) continue;
    const auto written = std::chrono::file_clock::to_sys(entry->last_write_time(problem));
    const auto when = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(written));
    lines.push_back(fmt::format("{:%Y-%m-%d %H:%M} {:>10}  {}\n", fmt::gmtime(when), entry->file_size(problem),
                                entry->path().string()));
  }
  std::ranges::sort(lines);
  std::string text = fmt::format("{}{}\n", folder, gone ? ": " + gone.message() : ":");
  for (const auto& line : lines) text += line;
  return text;
}

}  // namespace

std::vector<Item> own_items(const Collector& collector) {
  std::vector<Item> items;
  if (collector.what == "environment") {
    Item item = read_item(std::string(collector.id), "/proc/self/environ", false, {});
    items.push_back(std::move(item));
  } else {
    Item item{.id = std::string(collector.id), .source = "certificate files"};
    for (const char* folder :
         {"/usr/local/share/ca-certificates", "/etc/ssl/certs", "/etc/pki/ca-trust/source/anchors"})
      item.bytes += listing(folder);
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> earlier_reports(const std::string& spool, const Bounds& bounds) {
  constexpr std::size_t at_most = 10;
  std::vector<fs::path> paths;
  const auto gather = [&](const fs::path& folder, std::string_view ending) {
    std::error_code gone;
    for (fs::directory_iterator entry(folder, gone), end; !gone && entry != end; entry.increment(gone))
      if (entry->path().string().ends_with(ending)) paths.push_back(entry->path());
  };
  gather(spool, ".report.json");
  // The daemon keeps its history beside its spool.
  gather(fs::path(spool).parent_path() / "history", ".json");
  // Both are named after ULIDs, which sort by time; a report that also waits in the spool is taken once.
  const auto id = [](const fs::path& path) { return path.filename().string().substr(0, 26); };
  std::ranges::sort(paths, std::greater{}, id);
  const auto same = [&](const fs::path& one, const fs::path& other) { return id(one) == id(other); };
  paths.erase(std::unique(paths.begin(), paths.end(), same), paths.end());
  if (paths.size() > at_most) paths.resize(at_most);
  std::vector<Item> items;
  for (const auto& path : paths)
    items.push_back(read_item("earlier-reports/" + path.filename().string(), path.string(), false, bounds));
  return items;
}

std::vector<std::string> people_of_this_node() {
  constexpr uid_t first_person = 1000, nobody = 65534;
  std::vector<std::string> names;
  ::setpwent();
  while (const passwd* entry = ::getpwent())
    if (entry->pw_uid >= first_person && entry->pw_uid < nobody) names.emplace_back(entry->pw_name);
  ::endpwent();
  if (const char* caller = std::getenv("SUDO_USER"); caller && *caller) names.emplace_back(caller);
  return names;
}

}  // namespace vnetprobe::bundle
