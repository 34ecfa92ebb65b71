#include "probes/host/files.hpp"

#include "probes/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vnetprobe {
namespace {

FileText failed(const std::filesystem::path& file, int error) {
  return {.error = error == ENOENT || error == ENOTDIR ? HostFailure::not_found : HostFailure::not_readable,
          .detail = file.string() + ": " + std::strerror(error)};
}

}  // namespace

FileText read_file(const std::filesystem::path& root, const std::filesystem::path& file, std::size_t limit) {
  const auto path = root / file.relative_path();
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (opened.get() < 0) return failed(file, errno);
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return failed(file, errno);
  if (!S_ISREG(status.st_mode))
    return {.error = HostFailure::not_readable, .detail = file.string() + ": not a regular file"};
  FileText result;
  // Files of /proc say that they are empty, so the size cannot be trusted: read until the end or one byte over the
  // limit.
  std::size_t used = 0;
  for (;;) {
    result.text.resize(std::min(limit + 1, std::max<std::size_t>(4096, used * 2)));
    const auto count = ::read(opened.get(), result.text.data() + used, result.text.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(file, errno);
    used += static_cast<std::size_t>(count);
    if (count == 0 || used > limit) break;
  }
  result.cut = used > limit;
  result.text.resize(std::min(used, limit));
  return result;
}

std::vector<std::string> files_in(const std::filesystem::path& root, const std::string& directory,
                                  std::string_view suffix) {
  constexpr std::size_t most = 64;
  std::vector<std::string> result;
  std::error_code error;
  std::filesystem::directory_iterator entries(root / std::filesystem::path(directory).relative_path(), error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const auto name = entries->path().filename().string();
    if (name.ends_with(suffix) && result.size() < most) result.push_back(directory + "/" + name);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace vnetprobe
