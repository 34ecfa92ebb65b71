#include "agent/run/runner.hpp"

#include "agent/run/climb.hpp"
#include "agent/run/follow_up.hpp"
#include "agent/run/gate.hpp"
#include "agent/run/interrupts.hpp"
#include "agent/run/node_checks.hpp"
#include "probes/concurrently.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>

namespace vnetprobe {
namespace {

// A check holds a handful of descriptors at its widest (a socket for each question and address).
constexpr rlim_t descriptors_per_check = 16;
constexpr int concurrency_at_most = 1024;
// A thousand questions in one moment are hard on a resolver (Azure's takes 1000 a second from a node) and on memory. So
// many checks are under way at first; as many more may be after each of these whiles in which fewer than that ended.
constexpr int under_way_at_first = 64;
constexpr std::chrono::milliseconds a_while{100};

int default_concurrency() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 60;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  const auto affordable =
      static_cast<int>(std::min<rlim_t>(limit.rlim_cur / descriptors_per_check, concurrency_at_most));
  return std::max(affordable, 8);
}

// A name that a healthy resolver knows: what the plan needs anyway, so that nothing else is asked of anybody.
std::string control_name(const Plan& plan) {
  const auto known = std::ranges::find_if(plan.checks, [](const PlannedCheck& planned) {
    return planned.run && planned.stack != Stack::node && planned.stack != Stack::inbound &&
           planned.check.target.host.find_first_not_of("0123456789.:") != std::string::npos;
  });
  return known == plan.checks.end() ? "login.microsoftonline.com" : known->check.target.host;
}

class Run {
 public:
  Run(const Plan& plan, const Equipment& equipment, const Watcher& watcher)
      : plan_(plan), equipment_(equipment), watcher_(watcher), names_(equipment), control_(control_name(plan)) {
    checks_.reserve(plan.checks.size());
    for (const auto& planned : plan.checks) {
      checks_.push_back(planned.check);
      checks_.back().finished = !planned.run;
      if (planned.run && planned.stack != Stack::node) names_.announce(planned.check.target.host);
    }
  }

  asio::awaitable<void> all(int concurrency) {
    std::vector<asio::awaitable<void>> workers;
    const auto count = std::min<std::size_t>(static_cast<std::size_t>(concurrency), plan_.checks.size());
    for (std::size_t i = 0; i < count; ++i) workers.push_back(worker());
    co_await concurrently(std::move(workers));
    // Twice: the answer to a big request may call for the same in small segments.
    for (int round = 0; round < 2; ++round) co_await ask_across();
  }

  // Once a while.
  void widen_where_slow() {
    if (ended_ - ended_before_ < under_way_at_first) under_way_.widen(under_way_at_first);
    ended_before_ = ended_;
  }

  std::vector<Check> take_checks() { return std::move(checks_); }

 private:
  asio::awaitable<void> worker() {
    const auto place = co_await under_way_.enter();
    while (next_ < plan_.checks.size()) {
      const std::size_t index = next_++;
      if (plan_.checks[index].run) co_await one(plan_.checks[index], checks_[index]);
      ++ended_;
    }
  }

  asio::awaitable<void> ask_across() {
    std::vector<asio::awaitable<void>> work;
    for (auto& [place, question] : cross_questions(checks_))
      if (plan_.checks[place].run && checks_[place].finished && budget_.spend(question))
        work.push_back(
            answer_question(std::move(question), plan_.checks[place], equipment_, names_, control_, checks_[place]));
    co_await concurrently(std::move(work));
  }

  asio::awaitable<void> one(const PlannedCheck& planned, Check& check) {
    if (watcher_.started) watcher_.started(check.id);
    const auto started = Clock::now();
    try {
      if (planned.stack == Stack::node) {
        co_await observe_node(planned, equipment_, control_, check);
      } else {
        Way as_programs_go;
        co_await climb(planned, equipment_, names_, std::move(as_programs_go), check);
      }
      co_await follow_up(planned, equipment_, names_, control_, budget_, check);
      check.finished = true;
    } catch (const boost::system::system_error& error) {
      check.duration = since(started);
      if (error.code() == asio::error::operation_aborted) throw;
      spdlog::error("check {}: {}", check.id, error.what());
    } catch (const std::exception& error) {
      spdlog::error("check {}: {}", check.id, error.what());
    }
    check.duration = since(started);
    check.observations.shrink_to_fit();
    if (watcher_.finished) watcher_.finished(check);
  }

  const Plan& plan_;
  const Equipment& equipment_;
  const Watcher& watcher_;
  Names names_;
  std::string control_;
  ExperimentBudget budget_;
  std::vector<Check> checks_;
  Gate under_way_{under_way_at_first};
  std::size_t next_{}, ended_{}, ended_before_{};
};

asio::awaitable<Interruption> signalled() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  if (Interrupts::came()) co_return Interruption::signal;
  co_await signals.async_wait(asio::use_awaitable);
  co_return Interruption::signal;
}

asio::awaitable<Interruption> deadline_passed(std::chrono::milliseconds deadline) {
  co_await sleep_for(deadline);
  co_return Interruption::deadline;
}

asio::awaitable<Interruption> carried_out(Run& run, int concurrency) {
  co_await run.all(concurrency);
  co_return Interruption::none;
}

// Never ends by itself.
asio::awaitable<Interruption> keep_ticking(Run& run, const Watcher& watcher) {
  for (;;) {
    co_await sleep_for(a_while);
    run.widen_where_slow();
    if (watcher.tick) watcher.tick();
  }
}

asio::awaitable<void> until_first(Run& run, RunBounds bounds, const Watcher& watcher, Interruption& interrupted) {
  using namespace asio::experimental::awaitable_operators;
  const int concurrency = bounds.concurrency > 0 ? bounds.concurrency : default_concurrency();
  const auto first = co_await (carried_out(run, concurrency) || deadline_passed(bounds.deadline) || signalled() ||
                               keep_ticking(run, watcher));
  interrupted = std::visit([](Interruption reason) { return reason; }, first);
}

}  // namespace

RunOutcome run_plan(const Plan& plan, const Equipment& equipment, const RunBounds& bounds, const Watcher& watcher) {
  asio::io_context loop(1);
  const struct Closing {
    Gate& gate;
    ~Closing() { gate.close(); }
  } closing{*equipment.upper_layers};
  Run run(plan, equipment, watcher);
  Interruption interrupted{};
  std::exception_ptr problem;
  asio::co_spawn(loop, until_first(run, bounds, watcher, interrupted),
                 [&](std::exception_ptr thrown) { problem = thrown; });
  loop.run();
  if (problem) std::rethrow_exception(problem);
  return {.checks = run.take_checks(), .interrupted = interrupted};
}

}  // namespace vnetprobe
