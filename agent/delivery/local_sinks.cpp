#include "agent/cli/write_file.hpp"
#include "agent/delivery/sinks.hpp"
#include "probes/descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

// The sinks that never leave the machine.
namespace vnetprobe::delivery {
namespace {

Attempt failed(const std::string& where, int error) {
  return {.outcome = Outcome::retry, .says = fmt::format("{}: {}", where, std::strerror(error)), .retry_after = {}};
}

std::string without_newlines(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

}  // namespace

// A path that ends with a slash is a folder, which gets a file of each report.
Attempt write_report_file(const std::string& path, const Message& message) {
  const std::string file = path.ends_with('/') ? path + message.id + ".json" : path;
  const auto problem = write_file(file, message.json);
  if (!problem.empty()) return {.outcome = Outcome::retry, .says = "file " + problem, .retry_after = {}};
  return {.outcome = Outcome::delivered, .says = "file " + file, .retry_after = {}};
}

// The native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram of NAME=value lines.
Attempt write_journal(const Message& message, const std::string& socket_path) {
  constexpr int information = 6, warning = 4;
  std::string codes;
  for (const auto& code : message.codes) codes += (codes.empty() ? "" : " ") + code;
  const std::string text = fmt::format(
      "MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER=vnetprobe\nVNETPROBE_REPORT={}\nVNETPROBE_VERDICT={}\n"
      "VNETPROBE_DIAGNOSES={}\n",
      without_newlines(message.summary), message.healthy() ? information : warning, message.id, message.verdict, codes);
  const Descriptor journal(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (journal.get() < 0) return failed("journal", errno);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof to.sun_path) return failed("journal", ENAMETOOLONG);
  std::memcpy(to.sun_path, socket_path.c_str(), socket_path.size());
  const auto sent = ::sendto(journal.get(), text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return failed("journal", errno);
  return {.outcome = Outcome::delivered, .says = "journal", .retry_after = {}};
}

// A terminal whose other end does not read takes a few kilobytes and then nothing: it is left alone after the limit.
Attempt write_console(const std::string& path, const Message& message, std::chrono::milliseconds limit) {
  const std::string where = "console " + path;
  const Descriptor console(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (console.get() < 0) return failed(where, errno);
  std::string text;
  for (const char c : message.summary) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto until = std::chrono::steady_clock::now() + limit;
  std::string_view left = text;
  while (!left.empty()) {
    const auto written = ::write(console.get(), left.data(), left.size());
    if (written > 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (written < 0 && errno != EAGAIN && errno != EINTR) return failed(where, errno);
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) return failed(where, ETIMEDOUT);
    pollfd ready{.fd = console.get(), .events = POLLOUT, .revents = 0};
    ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
  }
  return {.outcome = Outcome::delivered, .says = where, .retry_after = {}};
}

}  // namespace vnetprobe::delivery
