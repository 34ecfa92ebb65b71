#include "agent/daemon/service_manager.hpp"

#include "agent/daemon/schedule.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace vnetprobe {
namespace {

std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value ? value : "";
  ::unsetenv(name);
  return text;
}

long long number(const std::string& digits) {
  long long value{};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.socket_ = taken_from_environment("NOTIFY_SOCKET");
  const auto microseconds = number(taken_from_environment("WATCHDOG_USEC"));
  const auto meant_for = number(taken_from_environment("WATCHDOG_PID"));
  if (microseconds > 0 && (meant_for == 0 || meant_for == ::getpid()))
    manager.alive_every_ = std::chrono::milliseconds(std::max(1LL, microseconds / 2000));
  return manager;
}

void ServiceManager::ready(std::string_view status) const { send(fmt::format("READY=1\nSTATUS={}", status)); }

void ServiceManager::status(std::string_view status) const { send(fmt::format("STATUS={}", status)); }

void ServiceManager::reloading() const {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", time.tv_sec * 1'000'000LL + time.tv_nsec / 1000));
}

void ServiceManager::stopping() const { send("STOPPING=1"); }

void ServiceManager::alive() const { send("WATCHDOG=1"); }

void ServiceManager::send(const std::string& text) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // Nobody is told when the manager does not listen: it is the one who would have to be told.
  (void)!::sendto(descriptor, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                  size);
  ::close(descriptor);
}

}  // namespace vnetprobe
