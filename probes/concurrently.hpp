#pragma once

#include "probes/within.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <exception>
#include <vector>

namespace vnetprobe {

// Runs all of `work` at once and returns when the last has ended. Cancelling this cancels each of them. The first
// exception is thrown again after all have ended, so nothing outlives the caller.
inline asio::awaitable<void> concurrently(std::vector<asio::awaitable<void>> work) {
  if (work.empty()) co_return;
  if (work.size() == 1) {
    co_await std::move(work.front());
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  using Operation = decltype(asio::co_spawn(executor, std::move(work.front()), asio::deferred));
  std::vector<Operation> operations;
  operations.reserve(work.size());
  for (auto& one : work) operations.push_back(asio::co_spawn(executor, std::move(one), asio::deferred));
  auto ended = co_await asio::experimental::make_parallel_group(std::move(operations))
                   .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const std::exception_ptr& problem : std::get<1>(ended))
    if (problem) std::rethrow_exception(problem);
}

}  // namespace vnetprobe
