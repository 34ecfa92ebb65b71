#pragma once

#include "agent/config/settings.hpp"
#include "agent/delivery/message.hpp"

#include <chrono>
#include <optional>

// The decisions of delivery, as pure functions.
namespace vnetprobe::delivery {

// What `when: change` compares: the verdict and the set of diagnoses.
struct LastSeen {
  std::string verdict;
  std::vector<std::string> codes;
};

// Whether a sink gets this report. A first report is a change.
bool is_wanted(DeliverWhen when, const Message& message, const std::optional<LastSeen>& before);

// How long to wait after so many failed attempts: doubled from 5 s up to an hour, and up to half of it more by `random`
// in [0, 1), so that a fleet does not return in step. What the receiver asked for (Retry-After) is a lower bound.
std::chrono::seconds back_off(int attempts, double random, std::optional<std::chrono::seconds> asked_for);

struct Kept {
  std::string id;
  bool healthy{};
  std::size_t bytes{};
};
struct SpoolBounds {
  std::size_t count = 500;
  std::size_t bytes = 64U << 20;
};
// Which of them (oldest first) have to go so that the rest is within bounds: the oldest healthy ones first, then the
// oldest. The newest always stays.
std::vector<std::string> to_drop(std::vector<Kept> oldest_first, const SpoolBounds& bounds);

}  // namespace vnetprobe::delivery
