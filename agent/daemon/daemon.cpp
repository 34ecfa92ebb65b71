#include "agent/daemon/daemon.hpp"

#include "agent/cli/commands.hpp"
#include "agent/cli/write_file.hpp"
#include "agent/daemon/changes.hpp"
#include "agent/daemon/child_run.hpp"
#include "agent/daemon/configuration.hpp"
#include "agent/daemon/connection_budget.hpp"
#include "agent/daemon/courier.hpp"
#include "agent/daemon/pages.hpp"
#include "agent/daemon/service_manager.hpp"
#include "agent/daemon/state_directory.hpp"
#include "agent/tell.hpp"
#include "reports/json/report_json.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <random>
#include <set>

namespace vnetprobe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A timer of the event loop stands still while the machine is suspended: the clock is looked at this often.
constexpr milliseconds glance{5000};
// Beyond its deadline a run still writes its report.
constexpr milliseconds beyond_deadline{10'000};

double chance() {
  static std::mt19937 source{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(source);
}

class Daemon final : public PageSource {
 public:
  Daemon(asio::io_context& loop, const DaemonCommand& command, DaemonConfiguration configuration, StateDirectory state)
      : loop_(loop),
        command_(command),
        configuration_(std::move(configuration)),
        state_(std::move(state)),
        manager_(ServiceManager::from_environment()),
        schedule_(configuration_.pace, BootClock::now(), chance()),
        tracker_(ChangeTracker::from_json(state_.read(tracker_file))),
        history_(state_.path() / "history", configuration_.history),
        courier_(loop, command.run.spool.empty() ? state_.path() / "spool" : std::filesystem::path(command.run.spool)),
        poke_(loop) {
    courier_.configure(configuration_.settings, command_.run.connect_to);
    open_server(configuration_);
    remember_last_report();
  }

  void start() {
    const auto launch = [&](asio::awaitable<void> work) {
      asio::co_spawn(loop_, std::move(work), [](std::exception_ptr problem) {
        if (problem) std::rethrow_exception(problem);
      });
    };
    launch(keep_running());
    launch(obey_signals());
    launch(show_signs_of_life());
    launch(courier_.keep_sending());
    for (const auto& remark : configuration_.remarks) spdlog::warn("{}", remark);
    if (server_) spdlog::info("serving http{}://{}/", secured() ? "s" : "", to_string(server_->address()));
    manager_.ready(status());
    ::malloc_trim(0);
  }

  // PageSource
  const std::optional<NodeRecord>& record() const override { return record_; }
  std::optional<std::string> report() const override { return history_.newest(); }
  const DaemonConfiguration& configuration() const override { return configuration_; }
  bool stale() const override {
    const auto expected = 3 * schedule_.planned_interval() + milliseconds(seconds(120));
    return BootClock::now() - (record_ ? record_->at : begun_) > expected;
  }
  std::string status() const override {
    const auto left = std::chrono::ceil<seconds>(schedule_.next() - BootClock::now());
    const std::string last = record_ ? record_->headline : "no report yet";
    if (schedule_.running()) return last + "; running";
    return fmt::format("{}; next run in {} s", last, std::max<long long>(0, left.count()));
  }
  DaemonFigures figures() const override {
    DaemonFigures all = figures_;
    all.runs_skipped = static_cast<double>(schedule_.skipped());
    all.flapping = tracker_.flapping();
    all.interval = std::chrono::duration<double>(schedule_.planned_interval()).count();
    const auto now = BootClock::now();
    all.next_run_in = std::max(0.0, std::chrono::duration<double>(schedule_.next() - now).count());
    if (record_) all.report_age = std::chrono::duration<double>(now - record_->at).count();
    if (server_) {
      all.http_requests = static_cast<double>(server_->counts().requests);
      all.http_refused = static_cast<double>(server_->counts().refused);
    }
    courier_.tell(all);
    return all;
  }
  asio::awaitable<ChildEnding> run_child(std::vector<std::string> arguments, milliseconds limit) override {
    std::vector<std::string> all{"run",
                                 "--format",
                                 "json",
                                 "--quiet",
                                 "--no-delivery",
                                 "--config=" + configuration_.path,
                                 fmt::format("--config-from=/proc/self/fd/{}", config_descriptor)};
    all.insert(all.end(), command_.run_arguments.begin(), command_.run_arguments.end());
    // A scrape's own flags come last; where run allows one only, the last one counts.
    all.insert(all.end(), arguments.begin(), arguments.end());
    auto ending = co_await run_this_program(std::move(all), configuration_.text, limit);
    co_return ending;
  }

 private:
  static constexpr const char* tracker_file = "changes.json";

  bool secured() const { return configuration_.server && !configuration_.server->certificate_file.empty(); }

  void open_server(const DaemonConfiguration& with) {
    if (!with.server) {
      server_.reset();
      return;
    }
    const auto same = server_ && with.server == served_;
    if (same) return;
    // The new one is bound before the old one goes, unless it wants the same place.
    if (server_ && served_->listen == with.server->listen) server_.reset();
    server_ = std::make_unique<HttpServer>(loop_.get_executor(), *with.server, make_pages(*this));
    served_ = with.server;
  }

  // After a restart the pages show what was known, with its age unknown to this clock.
  void remember_last_report() {
    const auto saved = history_.newest();
    if (!saved) return;
    const auto read = read_report(*saved);
    if (!read.report) return;
    const auto age = std::chrono::system_clock::now() - read.report->finished_at;
    record_ = record_of(*read.report, BootClock::now() - std::max(age, decltype(age)::zero()));
  }

  asio::awaitable<void> keep_running() {
    for (;;) {
      const auto now = BootClock::now();
      if (!schedule_.is_due(now)) {
        const auto left = std::chrono::ceil<milliseconds>(schedule_.next() - now);
        poke_.expires_after(std::min(left, glance));
        boost::system::error_code poked;
        co_await poke_.async_wait(asio::redirect_error(asio::use_awaitable, poked));
        continue;
      }
      if (const auto free = budget_.free_at(now); free > now) {
        ++figures_.runs_delayed;
        schedule_.not_before(free);
        continue;
      }
      co_await run_once();
    }
  }

  asio::awaitable<void> run_once() {
    schedule_.begin(BootClock::now(), chance());
    manager_.status(status());
    const auto deadline =
        configuration_.settings.deadline ? configuration_.settings.deadline->value : milliseconds(60'000);
    const auto started = BootClock::now();
    std::vector<std::string> nothing_more;
    auto ending = co_await run_child(std::move(nothing_more), deadline + beyond_deadline);
    pass_on(ending.messages);
    // Ticks that passed meanwhile.
    for (const auto now = BootClock::now(); schedule_.next() <= now && schedule_.skip(chance());) {
    }
    schedule_.end(settle(std::move(ending), started));
    manager_.status(status());
    ::malloc_trim(0);
  }

  // What every run says again is in the log once.
  void pass_on(std::string_view messages) {
    constexpr std::size_t lines_at_most = 500;
    while (!messages.empty()) {
      const auto line = messages.substr(0, messages.find('\n'));
      messages.remove_prefix(std::min(line.size() + 1, messages.size()));
      if (told_.size() < lines_at_most && told_.insert(std::string(line)).second) tell("{}\n", line);
    }
  }

  RunEnding settle(ChildEnding ending, BootClock::time_point started) {
    if (ending.status != 0 && ending.status != 1) {
      ++figures_.runs_failed;
      spdlog::error("the run gave no report: {}",
                    ending.problem.empty() ? fmt::format("exit status {}", ending.status) : ending.problem);
      return RunEnding::failed;
    }
    auto read = read_report(ending.output);
    if (!read.report) {
      ++figures_.runs_failed;
      spdlog::error("the run's report cannot be read: {}", read.error);
      return RunEnding::failed;
    }
    ++figures_.runs_completed;
    Report& report = *read.report;
    budget_.note(connections_of(report), started);
    note_change(report);
    courier_.annotate(report);
    record_ = record_of(report, BootClock::now());
    const auto problem = history_.add(report.id, render_json(report));
    if (!problem.empty()) spdlog::error("history: {}", problem);
    courier_.take(report);
    // Known only once it is in the spool: killed between the two, the daemon tells a change twice rather than never.
    if (const auto unkept = state_.write(tracker_file, tracker_.to_json()); !unkept.empty())
      spdlog::error("{}", unkept);
    const bool broken = report.verdict == OverallVerdict::unhealthy || report.verdict == OverallVerdict::inconclusive;
    return broken && tracker_.unchanged() ? RunEnding::still_broken : RunEnding::fine;
  }

  void note_change(Report& report) {
    report.change = tracker_.note(state_of(report));
    if (tracker_.changed()) ++figures_.changes;
    if (!report.change) return;
    if (report.change->kind == ChangeKind::flapping) ++figures_.flappings;
    spdlog::info("{}. {}", headline(report), change_line(report));
  }

  asio::awaitable<void> obey_signals() {
    asio::signal_set signals(loop_, SIGINT, SIGTERM, SIGHUP);
    signals.add(SIGUSR1);
    for (;;) {
      const int signal = co_await signals.async_wait(asio::use_awaitable);
      if (signal == SIGINT || signal == SIGTERM) break;
      if (signal == SIGHUP) reload();
      if (signal == SIGUSR1) schedule_.run_now(BootClock::now());
      poke_.cancel();
    }
    manager_.stopping();
    loop_.stop();
  }

  // All or nothing: what cannot be put in force as a whole changes nothing.
  void reload() {
    manager_.reloading();
    auto loaded = load_daemon_configuration(command_);
    auto errors = std::get_if<std::vector<std::string>>(&loaded);
    std::vector<std::string> refused = errors ? *errors : std::vector<std::string>{};
    if (!errors) {
      try {
        open_server(std::get<DaemonConfiguration>(loaded));
      } catch (const std::exception& error) {
        refused.emplace_back(error.what());
        open_server(configuration_);
      }
    }
    figures_.reload_successful = refused.empty();
    if (refused.empty()) {
      adopt(std::get<DaemonConfiguration>(std::move(loaded)));
    } else {
      for (const auto& line : refused) spdlog::error("{}", line);
      spdlog::error("the configuration was not reloaded; the one before stays in force");
    }
    manager_.ready(refused.empty() ? status() : "the configuration on disk is wrong; the one before is in force");
  }

  void adopt(DaemonConfiguration configuration) {
    const bool new_pace = configuration.pace != configuration_.pace;
    configuration_ = std::move(configuration);
    told_.clear();
    if (new_pace) schedule_.change_pace(configuration_.pace, BootClock::now(), chance());
    history_.set_bounds(configuration_.history);
    courier_.configure(configuration_.settings, command_.run.connect_to);
    figures_.reload_time = seconds_since_1970();
    for (const auto& remark : configuration_.remarks) spdlog::warn("{}", remark);
    spdlog::info("the configuration is in force");
  }

  asio::awaitable<void> show_signs_of_life() {
    const auto every = manager_.alive_every();
    if (!every) co_return;
    for (;;) {
      manager_.alive();
      co_await sleep_for(*every);
    }
  }

  asio::io_context& loop_;
  const DaemonCommand& command_;
  DaemonConfiguration configuration_;
  StateDirectory state_;
  ServiceManager manager_;
  Schedule schedule_;
  ChangeTracker tracker_;
  ConnectionBudget budget_;
  History history_;
  Courier courier_;
  asio::steady_timer poke_;
  std::unique_ptr<HttpServer> server_;
  std::optional<ServerOptions> served_;
  std::optional<NodeRecord> record_;
  std::set<std::string> told_;  // lines of runs that are in the log
  DaemonFigures figures_{.reload_time = seconds_since_1970(), .start_time = seconds_since_1970()};
  BootClock::time_point begun_ = BootClock::now();
};

}  // namespace

int serve_daemon(const DaemonCommand& command) {
  auto loaded = load_daemon_configuration(command);
  if (const auto* errors = std::get_if<std::vector<std::string>>(&loaded)) return complain(*errors);
  spdlog::default_logger()->set_level(spdlog::level::info);
  std::string problem;
  auto state = StateDirectory::open(command.state_directory, problem);
  if (!state) return complain({problem});
  asio::io_context loop(1);
  try {
    Daemon daemon(loop, command, std::get<DaemonConfiguration>(std::move(loaded)), std::move(*state));
    daemon.start();
    loop.run();
    end_children();
  } catch (const std::exception& error) {
    end_children();
    tell("vnetprobe: {}\n", error.what());
    return status_internal;
  }
  return 0;
}

}  // namespace vnetprobe
