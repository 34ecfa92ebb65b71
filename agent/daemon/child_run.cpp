#include "agent/daemon/child_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::size_t output_at_most = 256U << 20, messages_at_most = 64U << 10;
constexpr std::chrono::seconds grace{1};

std::set<pid_t> under_way;

std::string failed(const char* step, int error) { return fmt::format("{}: {}", step, std::strerror(error)); }

// Reaps its child at the latest when it goes, by force if need be.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) { under_way.insert(pid); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    // end_children() has reaped what it took out.
    if (under_way.erase(pid_) == 0 || reaped_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void ask_to_end() const { ::kill(pid_, SIGTERM); }
  // The wait status; absent: still running.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    reaped_ = true;
    return status;
  }

 private:
  pid_t pid_;
  bool reaped_{};
};

// A file without a name that holds `text`, read from its beginning.
int in_memory(const std::string& text) {
  const int file = ::memfd_create("vnetprobe-config", MFD_CLOEXEC);
  if (file < 0) return -1;
  for (std::size_t done = 0; done < text.size();) {
    const auto written = ::write(file, text.data() + done, text.size() - done);
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  ::lseek(file, 0, SEEK_SET);
  return file;
}

// Until it has gone out of scope, a signal waits: a child must not run its parent's handlers.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// Between fork and exec only what is async-signal-safe: another thread may hold any lock.
[[noreturn]] void become(char* const* arguments, int output, int messages, int config, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  // `systemctl kill` and a terminal that closes tell every process of the service; these two mean the daemon alone.
  for (const int signal : {SIGUSR1, SIGHUP}) ::signal(signal, SIG_IGN);
  for (const int signal : {SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(messages, STDERR_FILENO);
  // Onto itself would keep the flag that closes it.
  if (config == config_descriptor)
    ::fcntl(config, F_SETFD, 0);
  else
    ::dup2(config, config_descriptor);
  // Nothing of this process's connections and files goes on living in a child.
  constexpr int first_of_others = config_descriptor + 1, usual_limit = 1024;
  if (::syscall(SYS_close_range, first_of_others, ~0U, 0) != 0)
    for (int descriptor = first_of_others; descriptor < usual_limit; ++descriptor) ::close(descriptor);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

// The child's pid; -1 with errno.
pid_t start(char* const* arguments, int output, int messages, int config) {
  const SignalsHeld held;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments, output, messages, config, parent);
  return pid;
}

// Up to the end; false: more than the bound.
asio::awaitable<bool> read_all(asio::readable_pipe& pipe, std::string& into) {
  std::array<char, 65536> block{};
  for (;;) {
    boost::system::error_code ended;
    const std::size_t size =
        co_await pipe.async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return true;
    if (into.size() + size > output_at_most) co_return false;
    into.append(block.data(), size);
  }
}

// What is more than the bound is read and left out: a child must not be stopped by what it has to say.
asio::awaitable<bool> read_messages(asio::readable_pipe& pipe, std::string& into) {
  std::array<char, 4096> block{};
  for (;;) {
    boost::system::error_code ended;
    const std::size_t size =
        co_await pipe.async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return true;
    into.append(block.data(), std::min(size, messages_at_most - into.size()));
  }
}

asio::awaitable<bool> read_both(asio::readable_pipe& output, asio::readable_pipe& messages, ChildEnding& ending) {
  using namespace asio::experimental::awaitable_operators;
  const auto [whole, told] = co_await (read_all(output, ending.output) && read_messages(messages, ending.messages));
  co_return whole&& told;
}

// The child has closed its output: it is about to end.
asio::awaitable<int> wait_for(Child& child) {
  for (;;) {
    if (const auto status = child.ended()) co_return *status;
    co_await sleep_for(std::chrono::milliseconds(5));
  }
}

void conclude(int status, ChildEnding& ending) {
  if (WIFEXITED(status)) ending.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ending.problem = fmt::format("killed by signal {}", WTERMSIG(status));
}

}  // namespace

asio::awaitable<ChildEnding> run_this_program(std::vector<std::string> arguments, std::string config,
                                              std::chrono::milliseconds limit) {
  ChildEnding ending;
  const auto executor = co_await asio::this_coro::executor;
  asio::readable_pipe output(executor), messages(executor);
  asio::writable_pipe its_output(executor), its_messages(executor);
  asio::connect_pipe(output, its_output);
  asio::connect_pipe(messages, its_messages);
  arguments.insert(arguments.begin(), "vnetprobe");
  std::vector<char*> words;
  for (auto& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  const int file = in_memory(config);
  const pid_t pid = start(words.data(), its_output.native_handle(), its_messages.native_handle(), file);
  const int error = errno;
  its_output.close();
  its_messages.close();
  if (file >= 0) ::close(file);
  if (pid < 0) {
    ending.problem = failed("fork", error);
    co_return ending;
  }
  Child child(pid);
  const auto whole = co_await within(limit, read_both(output, messages, ending));
  if (whole && *whole) {
    const auto status = co_await within(grace, wait_for(child));
    if (status) conclude(*status, ending);
    co_return ending;
  }
  ending.problem =
      whole ? "it printed more than a report can be" : fmt::format("no end within {} s", limit.count() / 1000);
  child.ask_to_end();
  co_await within(grace, wait_for(child));
  co_return ending;
}

void end_children() {
  for (const pid_t pid : under_way) ::kill(pid, SIGTERM);
  const auto until = Clock::now() + grace;
  while (!under_way.empty() && Clock::now() < until) {
    std::erase_if(under_way, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
    ::poll(nullptr, 0, 10);
  }
  for (const pid_t pid : under_way) ::kill(pid, SIGKILL);
  under_way.clear();
}

}  // namespace vnetprobe
