#include "agent/delivery/policy.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace vnetprobe::delivery {

bool is_wanted(DeliverWhen when, const Message& message, const std::optional<LastSeen>& before) {
  switch (when) {
    case DeliverWhen::always:
      return true;
    case DeliverWhen::unhealthy:
      return !message.healthy();
    case DeliverWhen::change:
      return !before || before->verdict != message.verdict ||
             std::set(before->codes.begin(), before->codes.end()) !=
                 std::set(message.codes.begin(), message.codes.end());
  }
  return true;
}

std::chrono::seconds back_off(int attempts, double random, std::optional<std::chrono::seconds> asked_for) {
  constexpr int doublings_at_most = 10;
  constexpr double first = 5, longest = 3600;
  const double plain =
      std::min(longest, first * static_cast<double>(1 << std::clamp(attempts - 1, 0, doublings_at_most)));
  const std::chrono::seconds wait(static_cast<long>(plain * (1 + random / 2)));
  // A receiver that wants to be left alone for a year is asked again after a day.
  constexpr std::chrono::seconds a_day = std::chrono::hours(24);
  return asked_for ? std::max(wait, std::min(*asked_for, a_day)) : wait;
}

std::vector<std::string> to_drop(std::vector<Kept> kept, const SpoolBounds& bounds) {
  std::size_t bytes = std::accumulate(kept.begin(), kept.end(), std::size_t{},
                                      [](std::size_t sum, const Kept& one) { return sum + one.bytes; });
  std::vector<std::string> gone;
  while (kept.size() > 1 && (kept.size() > bounds.count || bytes > bounds.bytes)) {
    const auto newest = std::prev(kept.end());
    auto victim = std::find_if(kept.begin(), newest, [](const Kept& one) { return one.healthy; });
    if (victim == newest) victim = kept.begin();
    bytes -= victim->bytes;
    gone.push_back(std::move(victim->id));
    kept.erase(victim);
  }
  return gone;
}

}  // namespace vnetprobe::delivery
