#include "agent/daemon/state_directory.hpp"

#include "agent/cli/read_file.hpp"
#include "agent/cli/write_file.hpp"
#include "agent/delivery/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace vnetprobe {
namespace {

constexpr std::size_t state_at_most = 1U << 20;

}  // namespace

std::optional<StateDirectory> StateDirectory::open(const std::string& given, std::string& problem) {
  const std::filesystem::path path =
      given.empty() ? delivery::default_spool().parent_path() : std::filesystem::path(given);
  const auto failed = [&](int error) {
    problem = fmt::format("{}: {}; --state names another directory", path.string(), std::strerror(error));
    return std::nullopt;
  };
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(errno);
  const int lock = ::open((path / "daemon.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return failed(errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    problem = fmt::format("{}: another vnetprobe daemon works there; --state names another directory", path.string());
    return std::nullopt;
  }
  return StateDirectory(path, lock);
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

std::string StateDirectory::read(const std::string& name) const {
  auto file = read_file((path_ / name).string(), state_at_most);
  return file.error.empty() ? std::move(file.bytes) : "";
}

std::string StateDirectory::write(const std::string& name, std::string_view text) const {
  return write_file((path_ / name).string(), text);
}

}  // namespace vnetprobe
