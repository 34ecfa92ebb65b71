#include "agent/delivery/secret.hpp"

#include "probes/descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace vnetprobe::delivery {
namespace {

constexpr std::size_t secret_at_most = 64U << 10;

SecretProblem problem(const std::string& path, int error) {
  return {fmt::format("{}: {}; secret_file names the file that holds the key", path, std::strerror(error))};
}

std::string without_blanks_around(std::string text) {
  constexpr const char* space = " \t\r\n";
  text.erase(text.find_last_not_of(space) + 1);
  text.erase(0, text.find_first_not_of(space));
  return text;
}

std::string others_can_read(const std::string& path) {
  return fmt::format("{}: everybody on this machine can read it, and it holds a secret; run: chmod o= {}", path, path);
}

}  // namespace

std::string unsafe_mode(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return {};
  return others_can_read(path);
}

std::variant<std::string, SecretProblem> read_secret(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return problem(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return problem(path, errno);
  if (!S_ISREG(status.st_mode))
    return SecretProblem{path + ": no regular file; secret_file names the file with the key"};
  if ((status.st_mode & S_IROTH) != 0) return SecretProblem{others_can_read(path)};
  std::string text(secret_at_most + 1, '\0');
  const auto size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return problem(path, errno);
  if (static_cast<std::size_t>(size) > secret_at_most)
    return SecretProblem{path + ": larger than 64 KiB, which no key is"};
  text.resize(static_cast<std::size_t>(size));
  text = without_blanks_around(std::move(text));
  if (text.empty()) return SecretProblem{path + ": empty; write the key into it"};
  return text;
}

}  // namespace vnetprobe::delivery
