#include "agent/daemon/history.hpp"

#include "agent/cli/read_file.hpp"
#include "agent/cli/write_file.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view ending = ".json";

}  // namespace

std::string History::add(const std::string& id, std::string_view report) {
  auto problem = write_file((directory_ / (id + std::string(ending))).string(), report);
  drop_beyond_bounds();
  return problem;
}

std::vector<std::string> History::ids() const {
  std::vector<std::string> found;
  std::error_code gone;
  for (fs::directory_iterator entry(directory_, gone), end; !gone && entry != end; entry.increment(gone))
    if (const auto name = entry->path().filename().string(); name.ends_with(ending) && !name.starts_with('.'))
      found.push_back(name.substr(0, name.size() - ending.size()));
  std::ranges::sort(found);
  return found;
}

std::optional<std::string> History::newest() const {
  const auto all = ids();
  if (all.empty()) return std::nullopt;
  auto file = read_file((directory_ / (all.back() + std::string(ending))).string(), report_at_most);
  if (!file.error.empty()) return std::nullopt;
  return std::move(file.bytes);
}

void History::drop_beyond_bounds() const {
  auto all = ids();
  std::vector<std::size_t> sizes;
  std::size_t bytes = 0;
  for (const auto& id : all) {
    std::error_code gone;
    const auto size = fs::file_size(directory_ / (id + std::string(ending)), gone);
    sizes.push_back(gone ? 0 : size);
    bytes += sizes.back();
  }
  for (std::size_t i = 0; i + 1 < all.size() && (all.size() - i > bounds_.count || bytes > bounds_.bytes); ++i) {
    std::error_code gone;
    fs::remove(directory_ / (all[i] + std::string(ending)), gone);
    bytes -= sizes[i];
  }
}

}  // namespace vnetprobe
