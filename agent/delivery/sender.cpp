#include "agent/delivery/sender.hpp"

#include "probes/concurrently.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <random>

namespace vnetprobe::delivery {
namespace {

std::chrono::sys_seconds now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

double chance() {
  static std::mt19937 source{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(source);
}

// A wait that lies further ahead than any back-off is a clock that was put back: it is due.
bool is_due(const Owed& owed, const RoundWish& wish) {
  if (owed.state == SinkState::parked) return wish.refused_too;
  constexpr auto longest = std::chrono::hours(25);
  const auto time = now();
  return wish.at_once || owed.not_before <= time || owed.not_before > time + longest;
}

// One sink's queue.
class Queue {
 public:
  Queue(Spool& spool, std::vector<Entry>& entries, Delivery sink, const Uplink& uplink, RoundWish wish, Round& round)
      : spool_(spool),
        entries_(entries),
        sink_(std::move(sink)),
        key_(key_of(sink_)),
        uplink_(uplink),
        wish_(wish),
        round_(round) {}

  asio::awaitable<void> run() {
    for (auto& entry : entries_) {
      const auto owed = entry.owed.find(key_);
      if (owed == entry.owed.end() || !is_due(owed->second, wish_)) {
        // Oldest first: nothing overtakes a report that waits.
        if (owed != entry.owed.end() && owed->second.state == SinkState::waiting) co_return;
        continue;
      }
      auto report = spool_.report_of(entry.id);
      if (!report) {
        round_.problems.push_back(entry.id + ": damaged on disk, set aside in " +
                                  (spool_.directory() / "corrupt").string());
        entry.owed.clear();
        continue;
      }
      const auto message = message_again(entry, std::move(*report));
      const auto attempt = co_await send(sink_, message, uplink_);
      if (!settle(entry, attempt)) co_return;
    }
  }

 private:
  static Message message_again(const Entry& entry, std::string report) {
    const auto plain = "vnetprobe: report " + entry.id + "\n";
    return {.id = entry.id,
            .verdict = entry.verdict,
            .codes = entry.codes,
            .summary = entry.summary.empty() ? plain : entry.summary,
            .json = std::move(report)};
  }

  // False: this sink is not to be tried again in this round.
  bool settle(Entry& entry, const Attempt& attempt) {
    const auto owed = entry.owed.find(key_);
    if (owed == entry.owed.end()) return true;
    if (attempt.outcome == Outcome::delivered) {
      ++round_.delivered;
      entry.owed.erase(owed);
    } else {
      Owed& one = owed->second;
      ++one.attempts;
      one.says = attempt.says;
      one.state = attempt.outcome == Outcome::refused ? SinkState::parked : SinkState::waiting;
      one.not_before = now() + back_off(one.attempts, chance(), attempt.retry_after);
      ++(attempt.outcome == Outcome::refused ? round_.refused : round_.failed);
      round_.problems.push_back(attempt.says);
    }
    spool_.keep(entry);
    return attempt.outcome != Outcome::retry;
  }

  Spool& spool_;
  std::vector<Entry>& entries_;
  Delivery sink_;
  std::string key_;
  const Uplink& uplink_;
  RoundWish wish_;
  Round& round_;
};

asio::awaitable<void> run_queue(std::shared_ptr<Queue> queue) { co_await queue->run(); }

asio::awaitable<bool> run_all(std::vector<asio::awaitable<void>> work) {
  co_await concurrently(std::move(work));
  co_return true;
}

}  // namespace

std::vector<std::string> wanted_by(const std::vector<Delivery>& sinks, const Message& message,
                                   const std::optional<LastSeen>& before) {
  std::vector<std::string> keys;
  for (const auto& sink : sinks)
    if (is_wanted(sink.when, message, before)) keys.push_back(key_of(sink));
  return keys;
}

asio::awaitable<Round> send_due(Spool& spool, std::vector<Delivery> sinks, const Uplink& uplink, RoundWish wish) {
  Round round;
  const SenderLock lock(spool.directory());
  if (!lock.held()) co_return round;
  auto entries = spool.entries();
  for (auto& entry : entries)
    if (entry.without_state)
      for (const auto& sink : sinks) entry.owed[key_of(sink)] = {};
  std::vector<asio::awaitable<void>> work;
  for (const auto& sink : sinks)
    work.push_back(run_queue(std::make_shared<Queue>(spool, entries, sink, uplink, wish, round)));
  co_await within(wish.limit, run_all(std::move(work)));
  co_return round;
}

namespace {

asio::awaitable<void> send_round(Spool& spool, std::vector<Delivery> sinks, const Uplink& uplink, RoundWish wish,
                                 Round& into) {
  into = co_await send_due(spool, std::move(sinks), uplink, wish);
}

}  // namespace

Round deliver(const Report& report, const std::vector<Delivery>& sinks, Spool& spool, const Uplink& uplink,
              RoundWish wish) {
  Message message = message_of(report);
  const auto keys = wanted_by(sinks, message, spool.last_seen());
  if (!keys.empty()) spool.add(message, keys);
  spool.remember(message);
  if (report.spool) spool.forget_dropped(report.spool->dropped, report.spool->dropped_healthy);
  Round round;
  asio::io_context loop(1);
  std::exception_ptr problem;
  asio::co_spawn(loop, send_round(spool, sinks, uplink, wish, round),
                 [&](std::exception_ptr thrown) { problem = thrown; });
  loop.run();
  if (problem) std::rethrow_exception(problem);
  return round;
}

}  // namespace vnetprobe::delivery
