#include "agent/delivery/answers.hpp"

#include "probes/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace vnetprobe::delivery {

std::optional<std::chrono::seconds> retry_after(std::string_view value, std::chrono::sys_seconds now) {
  long seconds = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (problem == std::errc{} && end == value.data() + value.size() && seconds >= 0)
    return std::chrono::seconds(seconds);
  std::tm when{};
  const std::string text(value);
  if (text.empty() || !::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when)) return std::nullopt;
  const std::chrono::sys_seconds at{std::chrono::seconds(::timegm(&when))};
  return std::max(at - now, std::chrono::seconds(0));
}

Attempt judge(const ServerReply& reply, const std::string& where) {
  if (!reply.problem.empty()) return {.outcome = Outcome::retry, .says = fmt::format("{}: {}", where, reply.problem)};
  const int status = reply.status;
  if (status / 100 == 2) return {.outcome = Outcome::delivered, .says = fmt::format("{}: {}", where, status)};
  std::string says = fmt::format("{}: HTTP {}", where, status);
  if (const auto code = header(reply, "x-ms-error-code"); !code.empty()) says += " " + printable(code, 80);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (status == 408 || status == 425 || status == 429 || status / 100 == 5)
    return {.outcome = Outcome::retry, .says = says, .retry_after = retry_after(header(reply, "retry-after"), now)};
  if (status / 100 == 3) says += ", a redirect, which is not followed: configure the address that it leads to";
  return {.outcome = Outcome::refused, .says = says};
}

}  // namespace vnetprobe::delivery
