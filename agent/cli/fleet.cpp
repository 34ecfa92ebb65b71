#include "reports/fleet/fleet.hpp"
#include "agent/bundle/archive.hpp"
#include "agent/bundle/bundle.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/output.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/tell.hpp"
#include "probes/inflate.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

namespace vnetprobe {
namespace {

namespace fs = std::filesystem;

bool is_saved_report(const fs::path& path) {
  const auto name = path.filename().string();
  return !name.starts_with('.') &&
         (name.ends_with(".json") || name.ends_with(".json.gz") || name.ends_with(".tar.gz") || name.ends_with(".tgz"));
}

// A folder's reports, at any depth. Links to folders are not followed: they may lead round.
void add_folder(const std::string& folder, std::vector<std::string>& files, std::vector<SkippedFile>& skipped) {
  std::error_code problem;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, problem), end;
  for (; !problem && entry != end; entry.increment(problem)) {
    std::error_code gone;
    if (is_saved_report(entry->path()) && entry->is_regular_file(gone)) files.push_back(entry->path().string());
  }
  if (problem) skipped.push_back({.file = folder, .error = problem.message()});
}

bool add_matches(const std::string& pattern, std::vector<std::string>& files, std::vector<SkippedFile>& skipped) {
  glob_t found{};
  const bool matched = ::glob(pattern.c_str(), 0, nullptr, &found) == 0;
  for (std::size_t i = 0; matched && i < found.gl_pathc; ++i) {
    std::error_code gone;
    if (fs::is_directory(found.gl_pathv[i], gone))
      add_folder(found.gl_pathv[i], files, skipped);
    else
      files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return matched;
}

InputFile report_bytes(const std::string& path) {
  if (path == "-" || !bundle::is_archive(path)) return read_file(path, report_at_most);
  InputFile file;
  if (path.ends_with(".json.gz")) {
    file = read_file(path, report_at_most);
    auto whole = inflate(file.bytes, report_at_most);
    if (file.error.empty() && !whole) file.error = path + ": damaged, or larger than 256 MB";
    file.bytes = std::move(whole).value_or("");
    return file;
  }
  file.bytes = bundle::report_in(path, file.error).value_or("");
  return file;
}

ReadSummary read_one(const std::string& path) {
  // The name of the file stands beside every error already.
  const auto file = report_bytes(path);
  if (!file.error.empty())
    return {.node = {}, .error = file.error.starts_with(path + ": ") ? file.error.substr(path.size() + 2) : file.error};
  return read_summary(file.bytes, path);
}

// Each processor takes the next file; the order of the answers is that of the files.
std::vector<ReadSummary> read_all(const std::vector<std::string>& files) {
  std::vector<ReadSummary> read(files.size());
  std::atomic<std::size_t> next{};
  const auto work = [&] {
    for (auto i = next++; i < files.size(); i = next++) read[i] = read_one(files[i]);
  };
  std::vector<std::jthread> helpers;
  const auto processors = std::clamp<unsigned>(std::thread::hardware_concurrency(), 1, 16);
  for (unsigned i = 1; i < processors; ++i) helpers.emplace_back(work);
  work();
  return read;
}

}  // namespace

int show_fleet(const FleetCommand& command) {
  std::vector<std::string> files;
  std::vector<SkippedFile> skipped;
  for (const auto& given : command.paths) {
    std::error_code gone;
    if (fs::is_directory(given, gone))
      add_folder(given, files, skipped);
    else if (given == "-" || fs::exists(given, gone))
      files.push_back(given);
    else if (!add_matches(given, files, skipped))
      skipped.push_back({.file = given, .error = "nothing there"});
  }
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());

  std::vector<NodeSummary> nodes;
  auto read = read_all(files);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read[i].node)
      nodes.push_back(std::move(*read[i].node));
    else
      skipped.push_back({.file = files[i], .error = std::move(read[i].error)});
  }
  if (nodes.empty()) {
    std::vector<std::string> errors;
    for (std::size_t i = 0; i < std::min<std::size_t>(skipped.size(), 20); ++i)
      errors.push_back(fmt::format("{}: {}", skipped[i].file, skipped[i].error));
    errors.push_back("no report could be read; `vnetprobe run --output json=NODE.json` makes one");
    return complain(errors);
  }
  const Fleet fleet = merge_fleet(std::move(nodes), std::move(skipped));
  const auto problem = present(fleet, command.presentation);
  if (!problem.empty()) {
    tell("vnetprobe: {}\n", problem);
    return status_internal;
  }
  const auto verdict = verdict_of(fleet);
  return verdict == OverallVerdict::unhealthy || verdict == OverallVerdict::inconclusive ? 1 : 0;
}

}  // namespace vnetprobe
