#include "probes/within.hpp"
#include "probes/concurrently.hpp"
#include "tests/support/run.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace vnetprobe::within_test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<int> seven() { co_return 7; }

asio::awaitable<int> never(bool& cancelled) {
  asio::steady_timer timer(co_await asio::this_coro::executor, Clock::time_point::max());
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  cancelled = error == asio::error::operation_aborted;
  co_return 0;
}

asio::awaitable<int> broken() {
  throw std::runtime_error("broken");
  co_return 0;
}

asio::awaitable<bool> within_none(bool& cancelled) {
  const auto result = co_await within(0ms, never(cancelled));
  co_return result.has_value();
}

asio::awaitable<bool> done(asio::awaitable<void> work) {
  co_await std::move(work);
  co_return true;
}

TEST(Within, GivesWhatTheWorkReturns) {
  asio::io_context loop;
  EXPECT_EQ(test::run(loop, within(1h, seven())), 7);
}

TEST(Within, CancelsTheWorkWhenTheLimitHasPassed) {
  asio::io_context loop;
  bool cancelled = false;
  EXPECT_FALSE(test::run(loop, within_none(cancelled)));
  EXPECT_TRUE(cancelled);
}

TEST(Within, ThrowsWhatTheWorkThrewAtOnce) {
  asio::io_context loop;
  EXPECT_THROW(test::run(loop, within(1h, broken())), std::runtime_error);
}

// Ctrl-C and the deadline: what is cancelled from outside cancels the work.
TEST(Within, IsCancelledFromOutside) {
  asio::io_context loop;
  bool cancelled = false;
  const auto nested = [&]() -> asio::awaitable<int> {
    const auto result = co_await within(1h, never(cancelled));
    co_return result.value_or(-1);
  };
  EXPECT_FALSE(test::run(loop, within(0ms, nested())));
  EXPECT_TRUE(cancelled);
}

TEST(Concurrently, RunsOneOrManyToTheirEndsAndThrowsWhatOneThrew) {
  asio::io_context loop;
  const auto add = [](int& to) -> asio::awaitable<void> {
    co_await sleep_for(0ms);
    ++to;
  };
  for (const int count : {0, 1, 3}) {
    int ended = 0;
    std::vector<asio::awaitable<void>> work;
    for (int i = 0; i < count; ++i) work.push_back(add(ended));
    EXPECT_TRUE(test::run(loop, done(concurrently(std::move(work)))));
    EXPECT_EQ(ended, count);
  }
  const auto throwing = []() -> asio::awaitable<void> { co_await broken(); };
  for (const int others : {0, 2}) {
    int ended = 0;
    std::vector<asio::awaitable<void>> work;
    for (int i = 0; i < others; ++i) work.push_back(add(ended));
    work.push_back(throwing());
    EXPECT_THROW(test::run(loop, done(concurrently(std::move(work)))), std::runtime_error);
    EXPECT_EQ(ended, others);
  }
}

}  // namespace
}  // namespace vnetprobe::within_test
