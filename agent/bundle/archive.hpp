#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace vnetprobe::bundle {

// A tar.gz that is readable up to the last whole entry whatever moment its writer is killed at: the compressor is
// flushed after each. The file is new (an existing one is never overwritten) and for its owner alone.
class ArchiveWriter {
 public:
  // Throws std::runtime_error that names the file.
  explicit ArchiveWriter(std::string path);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  void add(const std::string& name, std::string_view bytes);
  // Ends the archive and brings it to the disk.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls `each` for every regular entry of a tar.gz, with at most `entry_bytes` of it. Returns the problem, empty when
// the archive is whole; what stands before the problem was handed out.
std::string read_archive(const std::string& path, std::size_t entry_bytes,
                         const std::function<bool(const std::string& name, std::string bytes)>& each);

// The same for one that is in memory; `name` is for messages.
std::string read_archive_in(std::string_view bytes, const std::string& name, std::size_t entry_bytes,
                            const std::function<bool(const std::string& name, std::string bytes)>& each);

// Whether it begins as a gzip does. Of a path only a regular file does: a pipe gives its bytes once.
bool is_archive(const std::string& path);
bool is_archive_in(std::string_view bytes);

}  // namespace vnetprobe::bundle
