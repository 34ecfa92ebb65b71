#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vnetprobe {

// The daemon's earlier reports on disk, ID.json each; an id is a ULID, so names sort by time.
class History {
 public:
  struct Bounds {
    std::size_t count = 500;
    std::size_t bytes = 64U << 20;
  };

  History(std::filesystem::path directory, Bounds bounds) : directory_(std::move(directory)), bounds_(bounds) {}

  // Written as a whole or not at all, then the oldest go until the bounds hold; the newest always stays. Returns the
  // message of a failure, empty when all went well.
  std::string add(const std::string& id, std::string_view report);

  std::optional<std::string> newest() const;  // absent: none, or it cannot be read
  std::vector<std::string> ids() const;       // oldest first

  void set_bounds(Bounds bounds) { bounds_ = bounds; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  void drop_beyond_bounds() const;

  std::filesystem::path directory_;
  Bounds bounds_;
};

}  // namespace vnetprobe
