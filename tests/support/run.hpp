#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace vnetprobe::test {

// Runs one coroutine to its end on `io` and returns what it returned; throws what it threw.
template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T value) {
    thrown = error;
    if (!error) result.emplace(std::move(value));
  });
  io.restart();
  while (!result && !thrown && io.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace vnetprobe::test
