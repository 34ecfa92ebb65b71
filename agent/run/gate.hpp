#pragma once

#include "probes/within.hpp"

namespace vnetprobe {

// Lets at most so many through at a time; the others wait in no particular order. One event loop only.
class Gate {
 public:
  explicit Gate(int places) : free_(places) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Holds a place until it is destroyed.
  class Place {
   public:
    explicit Place(Gate* gate) : gate_(gate) {}
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (gate_) gate_->leave();
    }

   private:
    Gate* gate_;
  };

  asio::awaitable<Place> enter() {
    if (!opened_) opened_.emplace(co_await asio::this_coro::executor, Clock::time_point::max());
    while (free_ == 0) {
      boost::system::error_code woken;
      co_await opened_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    --free_;
    co_return Place(this);
  }

  // So many more from now on.
  void widen(int places) {
    for (int i = 0; i < places; ++i) leave();
  }

  // Before its event loop ends: the timer that waiters stand at belongs to that loop.
  void close() { opened_.reset(); }

 private:
  void leave() {
    ++free_;
    if (opened_) opened_->cancel_one();
  }

  int free_;
  std::optional<asio::steady_timer> opened_;
};

}  // namespace vnetprobe
