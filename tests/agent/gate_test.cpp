#include "agent/run/gate.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <vector>

namespace vnetprobe::gate_test {
namespace {

// Those who stand at a gate, and how many have got in and are still there.
class Crowd {
 public:
  Crowd(int places, std::size_t visitors) : gate_(places) {
    for (std::size_t i = 0; i < visitors; ++i)
      asio::co_spawn(
          loop_, [this]() -> asio::awaitable<void> { inside_.push_back(co_await gate_.enter()); }, asio::detached);
    settle();
  }
  ~Crowd() {
    widen(100);
    inside_.clear();
    gate_.close();
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::size_t inside() const { return inside_.size(); }
  void one_leaves() {
    inside_.pop_back();
    settle();
  }
  void widen(int places) {
    gate_.widen(places);
    settle();
  }

 private:
  void settle() {
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  Gate gate_;
  std::vector<Gate::Place> inside_;
};

TEST(Gate, LetsSoManyThroughAndAnotherForEachThatLeaves) {
  Crowd crowd(2, 5);
  EXPECT_EQ(crowd.inside(), 2U);
  crowd.one_leaves();
  EXPECT_EQ(crowd.inside(), 2U);
}

TEST(Gate, LetsMoreThroughWhenItIsWidened) {
  Crowd crowd(1, 5);
  crowd.widen(2);
  EXPECT_EQ(crowd.inside(), 3U);
  crowd.widen(10);
  EXPECT_EQ(crowd.inside(), 5U);
  crowd.one_leaves();
  EXPECT_EQ(crowd.inside(), 4U);
}

}  // namespace
}  // namespace vnetprobe::gate_test
