#include "agent/cli/commands.hpp"
#include "agent/tell.hpp"
#include "reports/render/unicode.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace {

using namespace vnetprobe;

// Logs go to stderr as plain lines; the report alone is on stdout.
void set_up_logging() {
  auto logger = std::make_shared<spdlog::logger>("vnetprobe", std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger->set_pattern("vnetprobe: %v");
  logger->set_level(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

int carry_out(const Command& command) {
  struct Visitor {
    int operator()(const Reply& answer) const {
      if (answer.status == 0)
        std::fputs(answer.text.c_str(), stdout);
      else
        tell("{}", visible(answer.text, std::string_view::npos, Lines::kept));
      return answer.status;
    }
    int operator()(const RunCommand& command) const { return run(command); }
    int operator()(const ListCommand& command) const { return list(command); }
    int operator()(const ExplainCommand& command) const { return explain(command); }
    int operator()(const DiagnoseCommand& command) const { return diagnose_file(command); }
    int operator()(const DemoCommand& command) const { return run_demo(command); }
    int operator()(const BundleCommand& command) const { return make_bundle(command); }
    int operator()(const DeliverCommand& command) const { return deliver_reports(command); }
    int operator()(const DaemonCommand& command) const { return run_daemon(command); }
    int operator()(const DocsCommand& command) const { return print_document(command); }
    int operator()(const FleetCommand& command) const { return show_fleet(command); }
    int operator()(const ListenCommand& command) const { return listen(command); }
    int operator()(const ReachCommand& command) const { return reach(command); }
    int operator()(const TagsCommand& command) const { return tags_command(command); }
  };
  return std::visit(Visitor{}, command);
}

// What this process opens must not come to stand where a caller closed its stdin, stdout or stderr: a socket would get
// the report. Read-only, so that writing fails as it would have.
void fill_standard_descriptors() {
  for (int descriptor = 0; descriptor < 3; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) == -1) ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// The errno of what could not be written, 0 when all was.
int what_stdout_lost() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  return errno != 0 ? errno : EIO;
}

int failed(const std::exception& error) {
  tell("vnetprobe: internal error: {}\n", visible(error.what()));
  return status_internal;
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  fill_standard_descriptors();
  set_up_logging();
  int status = status_internal;
  try {
    status = carry_out(parse_command_line({arguments + 1, arguments + count}));
    if (const int lost = what_stdout_lost(); lost != 0 && lost != EPIPE) {
      tell("vnetprobe: stdout: {}\n", std::strerror(lost));
      status = status_internal;
    }
  } catch (const std::system_error& error) {
    // A reader that went away is no failure of ours.
    if (error.code() == std::errc::broken_pipe)
      status = 0;
    else
      status = failed(error);
  } catch (const std::exception& error) {
    status = failed(error);
  }
  std::fflush(nullptr);
  // A thread may still sit in getaddrinfo, waiting for a dead resolver: nobody waits for it.
  std::_Exit(status);
}
