#include "probes/host/command.hpp"

#include "probes/descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

extern char** environ;

namespace vnetprobe {
namespace {

using Clock = std::chrono::steady_clock;

struct Child {
  pid_t pid = -1;
  Descriptor output;
  std::string problem;
};

std::string failed(const char* step, int error) { return fmt::format("{}: {}", step, std::strerror(error)); }

void start(const CommandRequest& request, Child& child) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    child.problem = failed("pipe", errno);
    return;
  }
  child.output = Descriptor(ends[0]);
  const Descriptor write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (request.errors_too)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<char*> arguments;
  for (const auto& word : request.words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int error = ::posix_spawnp(&child.pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return;
  child.pid = -1;
  child.problem = error == ENOENT ? "not installed" : failed("start", error);
}

// Reads until the child closes its output. Not empty: why it has to be killed.
std::string read_output(const Child& child, const CommandRequest& request, Clock::time_point until) {
  std::array<char, 65536> block{};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return "killed: it did not end in time";
    pollfd ready{.fd = child.output.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) == 0) continue;
    const auto size = ::read(child.output.get(), block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return {};
    if (!request.take({block.data(), static_cast<std::size_t>(size)})) return "killed: it printed more than the bound";
  }
}

}  // namespace

CommandEnding run_command(const CommandRequest& request) {
  const auto until = Clock::now() + request.limit;
  Child child;
  start(request, child);
  if (child.pid < 0) return {.exit_status = {}, .problem = std::move(child.problem)};
  request.started(child.pid);
  CommandEnding ending{.exit_status = {}, .problem = read_output(child, request, until)};
  child.output.close();
  const bool ended = ending.problem.empty();
  if (!ended) ::kill(-child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, ended ? WNOHANG : 0) == 0) {
    if (Clock::now() > until) ::kill(-child.pid, SIGKILL);
    ::poll(nullptr, 0, 5);
  }
  if (ended && WIFEXITED(status)) ending.exit_status = WEXITSTATUS(status);
  return ending;
}

std::optional<std::string> output_of(std::vector<std::string> words, std::chrono::milliseconds limit) {
  constexpr std::size_t bytes_at_most = 4U << 20;
  std::string output;
  CommandRequest request{.words = std::move(words), .limit = limit};
  request.take = [&](std::string_view piece) {
    output.append(piece);
    return output.size() <= bytes_at_most;
  };
  const auto ending = run_command(request);
  if (ending.exit_status != 0) return std::nullopt;
  return output;
}

}  // namespace vnetprobe
