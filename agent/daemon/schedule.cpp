#include "agent/daemon/schedule.hpp"

#include <algorithm>
#include <ctime>

namespace vnetprobe {
namespace {

constexpr int stretch_when_broken = 2, stretch_at_most = 16;
// The run after a change confirms it; what is unchanged after that is known.
constexpr int confirmations = 2;

}  // namespace

BootClock::time_point BootClock::now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Schedule::Schedule(Pace pace, Time now, double chance) : pace_(pace), started_(now), chance_(chance) {
  const std::chrono::nanoseconds spread = pace.every;
  next_ = now + std::chrono::nanoseconds(
                    static_cast<long long>(static_cast<double>(spread.count()) * pace.jitter_percent / 100 * chance));
}

std::chrono::milliseconds Schedule::planned_interval() const { return pace_.every * stretch_; }

std::chrono::nanoseconds Schedule::interval(double chance) const {
  const double shift = pace_.jitter_percent / 100.0 * (2 * chance - 1);
  const std::chrono::nanoseconds plain = planned_interval();
  return std::chrono::nanoseconds(static_cast<long long>(static_cast<double>(plain.count()) * (1 + shift)));
}

void Schedule::begin(Time now, double chance) {
  running_ = true;
  asked_for_ = false;
  started_ = now;
  chance_ = chance;
  next_ = started_ + interval(chance);
}

bool Schedule::skip(double chance) {
  if (asked_for_) return false;
  ++skipped_;
  chance_ = chance;
  next_ += interval(chance);
  return true;
}

void Schedule::end(RunEnding ending) {
  running_ = false;
  still_broken_ = ending == RunEnding::still_broken ? still_broken_ + 1 : 0;
  failed_ = ending == RunEnding::failed ? failed_ + 1 : 0;
  const int longest =
      static_cast<int>(std::max<long long>(1, std::chrono::milliseconds(std::chrono::hours(1)) / pace_.every));
  int stretch = still_broken_ >= confirmations ? stretch_when_broken : 1;
  if (failed_ > 0) stretch = std::min({1 << std::min(failed_, 10), stretch_at_most, longest});
  if (stretch == stretch_) return;
  stretch_ = stretch;
  if (!asked_for_) next_ = started_ + interval(chance_);
}

void Schedule::run_now(Time now) {
  asked_for_ = true;
  next_ = now;
}

void Schedule::not_before(Time earliest) { next_ = std::max(next_, earliest); }

void Schedule::change_pace(Pace pace, Time now, double chance) {
  pace_ = pace;
  chance_ = chance;
  next_ = std::max(now, started_ + interval(chance));
}

}  // namespace vnetprobe
