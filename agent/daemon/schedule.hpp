#pragma once

#include <chrono>

// When the next run begins. Pure: time and chance come from outside, so that a day passes in a test within a moment.
namespace vnetprobe {

// Counts while the machine is suspended and is not moved by setting the wall clock (CLOCK_BOOTTIME).
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

struct Pace {
  std::chrono::milliseconds every{std::chrono::minutes(15)};
  int jitter_percent = 10;  // of `every`, both ways

  bool operator==(const Pace&) const = default;
};

// How a run ended, as far as the next one's time depends on it.
enum class RunEnding {
  fine,          // healthy, degraded, or unhealthy in a new way
  still_broken,  // unhealthy with the same diagnoses as the run before
  failed,        // there is no report: the agent itself failed
};

// At most one run at a time. `chance` is in [0, 1).
class Schedule {
 public:
  using Time = BootClock::time_point;

  // A fleet that boots together must not probe together: the first run comes within jitter x every, by chance.
  Schedule(Pace pace, Time now, double chance);

  Time next() const { return next_; }
  bool running() const { return running_; }
  bool is_due(Time now) const { return now >= next_; }
  std::chrono::milliseconds planned_interval() const;

  // A run begins now; the next one is an interval away.
  void begin(Time now, double chance);
  // The next one is due and this one still runs: it is left out. False: it was asked for, and waits instead.
  bool skip(double chance);
  void end(RunEnding ending);
  void run_now(Time now);
  void not_before(Time earliest);
  void change_pace(Pace pace, Time now, double chance);

  long skipped() const { return skipped_; }
  // By how much the interval is stretched: nodes that stay broken are asked half as often, since the experiments after
  // a failure cost connections; an agent that fails itself backs off to sixteen intervals or an hour.
  int stretch() const { return stretch_; }

 private:
  std::chrono::nanoseconds interval(double chance) const;

  Pace pace_;
  Time started_, next_;
  double chance_{};
  bool running_{}, asked_for_{};
  int still_broken_{}, failed_{}, stretch_{1};
  long skipped_{};
};

}  // namespace vnetprobe
