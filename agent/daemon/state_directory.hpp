#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace vnetprobe {

// Where a daemon keeps what outlives it. One daemon a directory: a lock that ends with its holder.
class StateDirectory {
 public:
  // `given` empty: $STATE_DIRECTORY, else /var/lib/vnetprobe for root, else below the home directory. Made with mode
  // 0700 where it is not there: reports tell a lot about a network. Absent: `problem` says why and what to write.
  static std::optional<StateDirectory> open(const std::string& given, std::string& problem);

  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&&) = delete;
  ~StateDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::string read(const std::string& name) const;                          // empty: not there, or unreadable
  std::string write(const std::string& name, std::string_view text) const;  // the message of a failure

 private:
  StateDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_;
};

}  // namespace vnetprobe
