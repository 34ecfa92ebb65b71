#include "agent/cli/read_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace vnetprobe {

InputFile read_file(const std::string& path, std::size_t limit) {
  const bool from_stdin = path == "-";
  const std::string name = from_stdin ? "stdin" : path;
  const int file = from_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  InputFile text;
  if (file < 0) {
    text.error = fmt::format("{}: {}", name, std::strerror(errno));
    return text;
  }
  std::vector<char> chunk(64U << 10);
  for (;;) {
    const ssize_t got = ::read(file, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) text.error = fmt::format("{}: {}", name, std::strerror(errno));
    if (got <= 0) break;
    text.bytes.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.bytes.size() > limit) {
      text.error = fmt::format("{}: larger than {} MiB", name, limit >> 20);
      break;
    }
  }
  if (!from_stdin) ::close(file);
  if (!text.error.empty()) text.bytes.clear();
  return text;
}

}  // namespace vnetprobe
