#include "agent/daemon/changes.hpp"
#include "agent/daemon/connection_budget.hpp"
#include "agent/daemon/history.hpp"
#include "agent/daemon/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace vnetprobe::daemon_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Time = BootClock::time_point;

constexpr double middle = 0.5;  // no jitter either way

TEST(Schedule, AFleetsFirstRunsAreSpreadOverTheJitter) {
  const Pace pace{.every = 15min, .jitter_percent = 10};
  EXPECT_EQ(Schedule(pace, Time(), 0).next(), Time());
  EXPECT_EQ(Schedule(pace, Time(), 0.5).next(), Time(45s));
  EXPECT_LT(Schedule(pace, Time(), 0.999).next(), Time(90s));
  EXPECT_EQ(Schedule({.every = 15min, .jitter_percent = 0}, Time(), 0.9).next(), Time()) << "no jitter, no waiting";
}

TEST(Schedule, JitterShiftsBothWays) {
  for (const auto& [chance, wanted] : {std::pair{0.0, 810s}, {0.5, 900s}, {0.75, 945s}}) {
    Schedule schedule({.every = 15min, .jitter_percent = 10}, Time(), 0);
    schedule.begin(Time(100s), chance);
    schedule.end(RunEnding::fine);
    EXPECT_EQ(schedule.next(), Time(100s) + wanted) << chance;
  }
}

TEST(Schedule, AnOverrunIsLeftOutAndCounted) {
  Schedule schedule({.every = 1min, .jitter_percent = 0}, Time(), 0);
  schedule.begin(Time(), middle);
  for (const auto now = Time(150s); schedule.next() <= now && schedule.skip(middle);) {
  }
  schedule.end(RunEnding::fine);
  EXPECT_EQ(schedule.skipped(), 2);
  EXPECT_EQ(schedule.next(), Time(180s)) << "the rhythm stays";
}

TEST(Schedule, ARunThatIsAskedForDuringAnotherComesRightAfterItAndIsNoOverrun) {
  Schedule schedule({.every = 1h, .jitter_percent = 0}, Time(), 0);
  schedule.begin(Time(), middle);
  schedule.run_now(Time(5s));
  EXPECT_FALSE(schedule.skip(middle));
  schedule.end(RunEnding::failed);
  EXPECT_TRUE(schedule.is_due(Time(5s)));
  EXPECT_EQ(schedule.skipped(), 0);
}

TEST(Schedule, BacksOffWhileTheAgentItselfFailsUpToAnHourAndReturnsAtOnce) {
  Schedule schedule({.every = 10min, .jitter_percent = 0}, Time(), 0);
  std::vector<long> minutes;
  Time now{};
  for (const auto ending :
       {RunEnding::failed, RunEnding::failed, RunEnding::failed, RunEnding::failed, RunEnding::fine}) {
    schedule.begin(now, middle);
    schedule.end(ending);
    minutes.push_back(std::chrono::duration_cast<std::chrono::minutes>(schedule.next() - now).count());
    now = schedule.next();
  }
  EXPECT_THAT(minutes, ElementsAre(20, 40, 60, 60, 10));
}

TEST(Schedule, ANodeThatStaysBrokenIsAskedHalfAsOften) {
  Schedule schedule({.every = 10min, .jitter_percent = 0}, Time(), 0);
  std::vector<int> stretches;
  for (const auto ending :
       {RunEnding::fine, RunEnding::still_broken, RunEnding::still_broken, RunEnding::still_broken, RunEnding::fine}) {
    schedule.begin(Time(), middle);
    schedule.end(ending);
    stretches.push_back(schedule.stretch());
  }
  EXPECT_THAT(stretches, ElementsAre(1, 1, 2, 2, 1)) << "the first run that says the same confirms it";
}

TEST(Schedule, AnIntervalLongerThanAnHourIsNotShortenedByABackOff) {
  Schedule schedule({.every = 6h, .jitter_percent = 0}, Time(), 0);
  schedule.begin(Time(), middle);
  schedule.end(RunEnding::failed);
  EXPECT_EQ(schedule.next(), Time(6h));
}

TEST(Schedule, AfterASuspensionOneRunIsDueAndNotAll) {
  Schedule schedule({.every = 15min, .jitter_percent = 0}, Time(), 0);
  schedule.begin(Time(), middle);
  schedule.end(RunEnding::fine);
  const Time awake(8h);
  EXPECT_TRUE(schedule.is_due(awake));
  schedule.begin(awake, middle);
  schedule.end(RunEnding::fine);
  EXPECT_FALSE(schedule.is_due(awake));
  EXPECT_EQ(schedule.next(), awake + 15min);
}

// A day of a node at once: runs of changing length, some failing, some asked for, a suspension.
TEST(Schedule, ADayHasAsManyRunsAsFitAndNeverTwoAtOnce) {
  std::mt19937 source(7);
  std::uniform_real_distribution<double> chance(0, 1);
  Schedule schedule({.every = 15min, .jitter_percent = 10}, Time(), chance(source));
  int runs = 0;
  Time now{}, last_end{};
  const Time midnight(24h);
  while (schedule.next() < midnight) {
    now = std::max(schedule.next(), last_end);
    ASSERT_TRUE(schedule.is_due(now));
    schedule.begin(now, chance(source));
    ++runs;
    last_end = now + std::chrono::seconds(1 + static_cast<int>(chance(source) * 70));
    while (schedule.next() <= last_end && schedule.skip(chance(source))) {
    }
    schedule.end(RunEnding::fine);
    ASSERT_GT(schedule.next(), last_end);
  }
  EXPECT_NEAR(runs, 96, 4);
  EXPECT_EQ(schedule.skipped(), 0);
}

NodeState healthy() { return {.verdict = "healthy", .codes = {}}; }
NodeState broken(std::vector<std::string> codes = {"dns.resolver.refused"}) {
  return {.verdict = "unhealthy", .codes = std::move(codes)};
}

TEST(Changes, TheFirstReportIsNewsAndTheSameAgainIsNot) {
  ChangeTracker tracker;
  const auto first = tracker.note(broken());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, ChangeKind::first);
  EXPECT_THAT(first->appeared, ElementsAre("dns.resolver.refused"));
  EXPECT_FALSE(tracker.note(broken()));
  EXPECT_TRUE(tracker.unchanged());
}

TEST(Changes, SaysWhichDiagnosesAppearedAndWent) {
  ChangeTracker tracker;
  tracker.note(broken({"a", "b"}));
  const auto change = tracker.note(broken({"b", "c"}));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->kind, ChangeKind::changed);
  EXPECT_EQ(change->previous_verdict, "unhealthy");
  EXPECT_THAT(change->appeared, ElementsAre("c"));
  EXPECT_THAT(change->gone, ElementsAre("a"));
}

TEST(Changes, FlappingIsToldOnceAndItsEndOnce) {
  ChangeTracker tracker;
  std::vector<std::string> told;
  const auto note = [&](const NodeState& state) {
    const auto news = tracker.note(state);
    told.emplace_back(news ? boost::describe::enum_to_string(news->kind, "") : "-");
  };
  note(healthy());
  for (int i = 0; i < 5; ++i) {
    note(broken());
    note(healthy());
  }
  EXPECT_THAT(told, ElementsAre("first", "changed", "changed", "flapping", "-", "-", "-", "-", "-", "-", "-"));
  told.clear();
  for (int i = 0; i < 6; ++i) note(healthy());
  EXPECT_THAT(told, ElementsAre("-", "-", "-", "settled", "-", "-"));
  told.clear();
  note(broken());
  EXPECT_THAT(told, ElementsAre("changed")) << "after it has settled a change is news again";
}

TEST(Changes, TwoChangesInEightRunsAreAFaultAndItsRepairAndNoFlapping) {
  ChangeTracker tracker;
  int flappings = 0;
  for (int i = 0; i < 80; ++i) {
    const auto news = tracker.note(i % 8 < 4 ? healthy() : broken());
    flappings += news && news->kind == ChangeKind::flapping;
  }
  EXPECT_EQ(flappings, 0);
}

TEST(Changes, ARestartIsNoNews) {
  ChangeTracker before;
  before.note(healthy());
  before.note(broken());
  auto after = ChangeTracker::from_json(before.to_json());
  EXPECT_FALSE(after.note(broken()));
  const auto news = after.note(healthy());
  ASSERT_TRUE(news);
  EXPECT_EQ(news->changes, 2) << "what was before the restart counts";
}

TEST(Changes, AStateFileThatCannotBeReadIsATrackerThatHasSeenNothing) {
  for (const char* text : {"", "{", "[]", "{}", R"({"flapping":1,"recent":[]})", R"({"flapping":false,"recent":[3]})",
                           R"({"flapping":false,"recent":[],"last":{"verdict":1,"codes":[]}})"}) {
    auto tracker = ChangeTracker::from_json(text);
    const auto news = tracker.note(healthy());
    ASSERT_TRUE(news) << text;
    EXPECT_EQ(news->kind, ChangeKind::first) << text;
  }
}

Observation attempt(std::string address) {
  return {.seen = TcpObservation{.remote = {.address = std::move(address), .port = 443}}, .follow_up = {}};
}

TEST(ConnectionBudget, CountsWhatTakesAPortOfTheNatAndNothingElse) {
  Report report;
  Check check;
  for (int i = 0; i < 3; ++i) check.observations.push_back(attempt("20.42.65.84"));
  check.observations.push_back(attempt("10.0.1.5"));
  check.observations.push_back(attempt("127.0.0.1"));
  check.observations.push_back(attempt("168.63.129.16"));
  check.observations.push_back(
      {.seen = PathObservation{.remote = {.address = "20.42.65.84", .port = 443}}, .follow_up = "where it is dropped"});
  check.observations.push_back(
      {.seen = TlsObservation{.remote = {.address = "20.42.65.84", .port = 443}}, .follow_up = "another name"});
  check.observations.push_back(
      {.seen = TlsObservation{.remote = {.address = "20.42.65.84", .port = 443}}, .follow_up = {}});
  report.checks.push_back(check);
  EXPECT_THAT(connections_of(report), ElementsAre(std::pair("20.42.65.84:443", 3 + 30 + 1)));
}

TEST(ConnectionBudget, PutsARunOffUntilThePortsOfTheOldOnesAreFree) {
  ConnectionBudget budget;
  EXPECT_EQ(budget.free_at(Time(1s)), Time(1s));
  budget.note({{"20.0.0.1:443", 30}}, Time());
  EXPECT_EQ(budget.free_at(Time(60s)), Time(4min)) << "30 and 30 again are more than 50";
  EXPECT_EQ(budget.free_at(Time(5min)), Time(5min));
}

TEST(ConnectionBudget, AFewConnectionsAnIntervalAreNeverHeldUp) {
  ConnectionBudget budget;
  for (int i = 0; i < 1000; ++i) {
    const Time now(i * 1min);
    ASSERT_EQ(budget.free_at(now), now) << i;
    budget.note({{"20.0.0.1:443", 5}, {"20.0.0.2:443", 1}}, now);
  }
}

TEST(ConnectionBudget, HoldsForAnyRhythmOfRuns) {
  std::mt19937 source(11);
  for (int each : {1, 7, 24, 34, 49, 50}) {
    ConnectionBudget budget;
    std::vector<Time> runs;
    for (Time now{}; now < Time(2h); now += std::chrono::seconds(1 + source() % 40)) {
      if (budget.free_at(now) > now) continue;
      budget.note({{"20.0.0.1:443", each}}, now);
      runs.push_back(now);
      const auto recent = std::ranges::count_if(runs, [&](Time when) { return when + ConnectionBudget::window > now; });
      ASSERT_LE(recent * each, ConnectionBudget::connections) << each;
    }
    EXPECT_FALSE(runs.empty());
  }
}

class HistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "history-XXXXXX";
    ASSERT_TRUE(::mkdtemp(name.data()));
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

TEST_F(HistoryTest, KeepsTheNewestWithinCountAndSize) {
  History history(folder, {.count = 3, .bytes = 100});
  for (const char* id : {"01A", "01B", "01C", "01D"}) EXPECT_EQ(history.add(id, "0123456789"), "");
  EXPECT_THAT(history.ids(), ElementsAre("01B", "01C", "01D"));
  EXPECT_EQ(history.add("01E", std::string(85, 'x')), "");
  EXPECT_THAT(history.ids(), ElementsAre("01D", "01E"));
  EXPECT_EQ(history.add("01F", std::string(500, 'x')), "");
  EXPECT_THAT(history.ids(), ElementsAre("01F")) << "the newest stays, however big";
  EXPECT_EQ(history.newest(), std::string(500, 'x'));
}

TEST_F(HistoryTest, AFolderThatCannotBeWrittenIsAnErrorThatNamesTheFile) {
  std::ofstream(folder / "file") << "x";
  History history(folder / "file", {});
  EXPECT_THAT(history.add("01A", "{}"), testing::HasSubstr((folder / "file").string()));
  EXPECT_THAT(history.ids(), IsEmpty());
  EXPECT_FALSE(history.newest());
}

}  // namespace
}  // namespace vnetprobe::daemon_test
