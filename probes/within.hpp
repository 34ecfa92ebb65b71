#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace vnetprobe {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

inline std::chrono::microseconds since(Clock::time_point started) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
}

inline asio::awaitable<void> sleep_for(std::chrono::milliseconds limit) {
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// Runs `work` for at most `limit`, then cancels it. Absent: the limit passed first. The one place that knows how to
// cancel: `work` must be made of operations that support terminal cancellation (every Asio socket and timer operation
// does). An outer cancellation (Ctrl-C, the deadline) reaches `work` too and surfaces as operation_aborted where it
// awaited.
template <class T>
asio::awaitable<std::optional<T>> within(std::chrono::milliseconds limit, asio::awaitable<T> work) {
  using namespace asio::experimental::awaitable_operators;
  auto first = co_await (std::move(work) || sleep_for(limit));
  if (first.index() == 0) co_return std::optional<T>(std::get<0>(std::move(first)));
  co_return std::nullopt;
}

}  // namespace vnetprobe
