#include "reports/render/words.hpp"

#include "reports/render/observation_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

namespace vnetprobe {
namespace {

std::size_t counted(int number) { return static_cast<std::size_t>(std::max(number, 0)); }

// Checks that a failed prerequisite made pointless, as against those that do not apply.
std::size_t pointless(const Report& report) {
  return counted(static_cast<int>(std::ranges::count_if(
      report.checks, [](const Check& check) { return check.verdict == Verdict::skip && !check.diagnoses.empty(); })));
}

std::string unhealthy(const Report& report) {
  const auto causes = std::ranges::count(report.diagnoses, Severity::critical, &Diagnosis::severity);
  std::string text = "UNHEALTHY: ";
  if (causes > 0) text += count_of(counted(static_cast<int>(causes)), "cause") + " found; ";
  text += count_of(counted(report.summary.fail), "check") + " failed";
  if (const auto untried = pointless(report); untried > 0) text += fmt::format(", {} could not be tried", untried);
  return text;
}

}  // namespace

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string_view fixer(Owner owner) {
  switch (owner) {
    case Owner::network:
      return "the network's owner (NSG, routes, firewall)";
    case Owner::dns:
      return "the owner of the DNS servers or private zones";
    case Owner::node:
      return "whoever administers this node";
    case Owner::resource:
      return "the owner of the Azure resource";
    case Owner::service:
      return "the service's operator";
    case Owner::user:
      return "you";
  }
  return "";
}

std::string headline(const Report& report) {
  const Summary& sum = report.summary;
  switch (report.verdict) {
    case OverallVerdict::healthy:
      return fmt::format("HEALTHY: {} passed in {}", count_of(counted(sum.pass), "check"), describe(report.duration));
    case OverallVerdict::degraded:
      return fmt::format("DEGRADED: every required check passed, {} did not",
                         count_of(counted(sum.fail + sum.warn), "other"));
    case OverallVerdict::unhealthy:
      return unhealthy(report);
    case OverallVerdict::inconclusive:
      return fmt::format("INCONCLUSIVE: {} could not be decided", count_of(counted(sum.inconclusive), "check"));
  }
  return "";
}

std::string incomplete(const Report& report) {
  if (report.complete) return "";
  const auto unfinished = std::ranges::count(report.checks, false, &Check::finished);
  const char* why = report.interrupted_by == "deadline" ? "the deadline passed" : "it was interrupted";
  return fmt::format("Not complete: {} after {}, with {} unfinished.", why, describe(report.duration),
                     count_of(counted(static_cast<int>(unfinished)), "check"));
}

std::string change_line(const Report& report) {
  if (!report.change) return "";
  const StateChange& change = *report.change;
  std::vector<std::string> parts;
  if (!change.appeared.empty()) parts.push_back(fmt::format("{} appeared", fmt::join(change.appeared, ", ")));
  if (!change.gone.empty()) parts.push_back(fmt::format("{} went", fmt::join(change.gone, ", ")));
  const std::string what = parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, "; "));
  switch (change.kind) {
    case ChangeKind::first:
      return "First report of this node's daemon.";
    case ChangeKind::changed:
      return fmt::format("Changed since the run before, which was {}{}.", change.previous_verdict, what);
    case ChangeKind::flapping:
      return fmt::format(
          "Flapping: {} of the last {} runs differed from the one before{}. The next report of a change comes when it "
          "has settled.",
          change.changes, change.runs, what);
    case ChangeKind::settled:
      return "Settled after flapping.";
  }
  return "";
}

std::string time_line(const Report& report) {
  using namespace std::chrono_literals;
  constexpr std::size_t told = 3;
  if (report.duration <= 3s) return "";
  std::vector<const Check*> longest;
  for (const auto& check : report.checks)
    if (check.duration > 1s) longest.push_back(&check);
  std::ranges::stable_sort(longest, std::greater{}, &Check::duration);
  if (longest.size() > told) longest.resize(told);
  std::vector<std::string> parts;
  for (const auto* check : longest) {
    std::chrono::microseconds own{};
    std::map<std::string_view, std::chrono::microseconds> slowest;
    for (const auto& observation : check->observations)
      if (!observation.follow_up) {
        auto& layer = slowest[layer_of(observation.seen)];
        layer = std::max(layer, duration_of(observation.seen));
      }
    std::vector<std::string> layers;
    for (const auto& [layer, duration] : slowest) {
      own += duration;
      if (duration > 500ms) layers.push_back(fmt::format("{} {}", layer, describe(duration)));
    }
    if (check->duration > own + 500ms) layers.push_back("experiments " + describe(check->duration - own));
    parts.push_back(fmt::format("{} {}{}", check->id, describe(check->duration),
                                layers.empty() ? "" : fmt::format(" ({})", fmt::join(layers, ", "))));
  }
  if (parts.empty()) return "";
  return fmt::format("Took {}; the longest: {}.", describe(report.duration), fmt::join(parts, "; "));
}

std::string spool_line(const Report& report) {
  if (!report.spool) return "";
  const SpoolNote& spool = *report.spool;
  std::vector<std::string> parts;
  const auto tell = [&](int count, std::string_view what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count_of(counted(count), "report"), what));
  };
  tell(spool.waiting, "could not be delivered yet");
  tell(spool.parked, "refused by the receiver");
  tell(spool.dropped, "dropped for want of room");
  return fmt::format("Delivery: {}; see vnetprobe deliver --status", fmt::join(parts, ", "));
}

std::string node_line(const Report& report) {
  const Node& node = report.node;
  std::vector<std::string> parts;
  const auto add = [&](std::string_view what, const std::optional<Sourced<std::string>>& value) {
    if (value && !value->value.empty()) parts.push_back(fmt::format("{}{}", what, value->value));
  };
  add("", node.hostname);
  add("", node.profile);
  add("", node.region);
  add("cloud ", node.cloud);
  add("requirements of ", node.era);
  std::vector<std::string> resolvers;
  for (const auto& resolver : node.resolvers) resolvers.push_back(resolver.value + (resolver.stub ? " (stub)" : ""));
  if (!resolvers.empty()) parts.push_back(fmt::format("DNS {}", fmt::join(resolvers, ", ")));
  return fmt::format("{}", fmt::join(parts, " | "));
}

std::string moment(std::chrono::sys_time<std::chrono::milliseconds> time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

bool cut_off(const Check& check, const Report& report) {
  return check.verdict == Verdict::inconclusive &&
         (!check.finished || (!report.complete && check.observations.empty()));
}

bool is_open(const Check& check) { return check.verdict != Verdict::pass && check.verdict != Verdict::skip; }

std::vector<const Diagnosis*> diagnoses_of(const Check& check, const Report& report) {
  std::vector<const Diagnosis*> found;
  for (const auto& diagnosis : report.diagnoses)
    if (std::ranges::find(diagnosis.checks, check.id) != diagnosis.checks.end()) found.push_back(&diagnosis);
  return found;
}

}  // namespace vnetprobe
