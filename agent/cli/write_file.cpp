#include "agent/cli/write_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace vnetprobe {
namespace {

// A descriptor that remembers the first failure and then takes nothing more.
class Writer {
 public:
  explicit Writer(int descriptor) : descriptor_(descriptor) {}

  void write(std::string_view bytes) {
    while (!bytes.empty() && error_ == 0) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR)
        error_ = errno;
    }
  }
  void require(bool done) {
    if (!done && error_ == 0) error_ = errno;
  }
  int error() const { return error_; }

 private:
  int descriptor_;
  int error_{};
};

std::string failed(const std::string& path, int error) { return fmt::format("{}: {}", path, std::strerror(error)); }

int write_to(int descriptor, const Document& document) {
  Writer out(descriptor);
  document([&](std::string_view piece) { out.write(piece); });
  return out.error();
}

// The rename itself outlives a power cut only with its directory.
void sync_folder(const std::string& folder) {
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

// A device or a pipe (/dev/stdout) can be written to, never replaced.
std::string write_device(const std::string& path, const Document& document) {
  const int device = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (device < 0) return failed(path, errno);
  const int error = write_to(device, document);
  ::close(device);
  return error == 0 ? "" : failed(path, error);
}

std::string replace(const std::string& path, const std::string& folder, const Document& document) {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return failed(path, errno);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  Writer out(file);
  document([&](std::string_view piece) { out.write(piece); });
  if (out.error() == 0) out.require(::fchmod(file, 0666 & ~mask) == 0 && ::fsync(file) == 0);
  const bool closed = ::close(file) == 0;
  out.require(closed);
  if (out.error() == 0) out.require(::rename(temporary.c_str(), path.c_str()) == 0);
  if (out.error() != 0) {
    ::unlink(temporary.c_str());
    return failed(path, out.error());
  }
  sync_folder(folder);
  return "";
}

}  // namespace

std::string write_file(const std::string& wanted, const Document& document) {
  if (wanted == "-") {
    // A reader that went away is no failure of ours.
    const int error = write_to(STDOUT_FILENO, document);
    return error == 0 || error == EPIPE ? "" : failed("stdout", error);
  }
  namespace fs = std::filesystem;
  std::error_code problem;
  // Behind a symbolic link the file is replaced, not the link.
  const fs::path followed = fs::is_symlink(wanted, problem) ? fs::canonical(wanted, problem) : fs::path(wanted);
  const std::string path = followed.empty() ? wanted : followed.string();
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  fs::create_directories(folder, problem);
  if (problem) return fmt::format("{}: {}", folder.string(), problem.message());
  if (fs::exists(path, problem) && !fs::is_regular_file(path, problem)) return write_device(path, document);
  return replace(path, folder.string(), document);
}

std::string write_file(const std::string& path, std::string_view bytes) {
  return write_file(path, Document([&](const TakePiece& take) { take(bytes); }));
}

}  // namespace vnetprobe
