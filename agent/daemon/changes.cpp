#include "agent/daemon/changes.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>

namespace vnetprobe {
namespace {

namespace json = boost::json;

constexpr std::size_t window = 8;
constexpr std::ptrdiff_t changes_to_flap = 3, alike_to_settle = 4;

std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& other) {
  std::vector<std::string> left;
  std::ranges::set_difference(all, other, std::back_inserter(left));
  return left;
}

}  // namespace

NodeState state_of(const Report& report) {
  NodeState state{.verdict = boost::describe::enum_to_string(report.verdict, "inconclusive"), .codes = {}};
  for (const auto& diagnosis : report.diagnoses)
    if (diagnosis.severity != Severity::info) state.codes.push_back(diagnosis.code);
  std::ranges::sort(state.codes);
  state.codes.erase(std::unique(state.codes.begin(), state.codes.end()), state.codes.end());
  return state;
}

std::optional<StateChange> ChangeTracker::note(const NodeState& now) {
  if (!last_) {
    last_ = now;
    return StateChange{.kind = ChangeKind::first, .appeared = now.codes, .runs = 1};
  }
  const bool changed = *last_ != now;
  StateChange news{.kind = ChangeKind::changed,
                   .previous_verdict = last_->verdict,
                   .appeared = without(now.codes, last_->codes),
                   .gone = without(last_->codes, now.codes)};
  last_ = now;
  recent_.push_back(changed);
  if (recent_.size() > window) recent_.pop_front();
  const auto changes = std::ranges::count(recent_, true);
  news.changes = static_cast<int>(changes);
  news.runs = static_cast<int>(recent_.size());
  if (flapping_) {
    const auto last_change = std::find(recent_.rbegin(), recent_.rend(), true);
    if (std::distance(recent_.rbegin(), last_change) < alike_to_settle) return std::nullopt;
    flapping_ = false;
    recent_.assign(1, false);
    news.kind = ChangeKind::settled;
    return news;
  }
  if (!changed) return std::nullopt;
  if (changes >= changes_to_flap) {
    flapping_ = true;
    news.kind = ChangeKind::flapping;
  }
  return news;
}

std::string ChangeTracker::to_json() const {
  json::object text{{"flapping", flapping_}, {"recent", json::value_from(recent_)}};
  if (last_) text["last"] = {{"verdict", last_->verdict}, {"codes", json::value_from(last_->codes)}};
  return json::serialize(text) + "\n";
}

ChangeTracker ChangeTracker::from_json(std::string_view text) {
  boost::system::error_code bad;
  const auto value = json::parse(text, bad);
  if (bad) return {};
  try {
    ChangeTracker tracker;
    const auto& object = value.as_object();
    tracker.flapping_ = object.at("flapping").as_bool();
    for (const auto& one : object.at("recent").as_array()) tracker.recent_.push_back(one.as_bool());
    while (tracker.recent_.size() > window) tracker.recent_.pop_front();
    if (const auto* last = object.if_contains("last")) {
      NodeState state{.verdict = std::string(last->at("verdict").as_string()), .codes = {}};
      for (const auto& code : last->at("codes").as_array()) state.codes.emplace_back(code.as_string());
      tracker.last_ = std::move(state);
    }
    return tracker;
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace vnetprobe
