#include "agent/delivery/entry_json.hpp"

#include <boost/json.hpp>

namespace vnetprobe::delivery {
namespace {

namespace json = boost::json;

std::optional<json::object> object_in(std::string_view text) {
  boost::system::error_code damaged;
  auto value = json::parse(text, damaged);
  if (damaged || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  const auto* value = object.if_contains(key);
  if (!value || !value->is_array()) return texts;
  for (const auto& one : value->get_array())
    if (one.is_string()) texts.emplace_back(one.get_string());
  return texts;
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : 0;
}

Owed read_owed(const json::object& object) {
  const auto attempts = number_at(object, "attempts");
  return {.state = text_at(object, "state") == "parked" ? SinkState::parked : SinkState::waiting,
          .attempts = static_cast<int>(std::clamp<std::int64_t>(attempts, 0, 1'000'000)),
          .not_before = std::chrono::sys_seconds(std::chrono::seconds(number_at(object, "not_before"))),
          .says = text_at(object, "says")};
}

}  // namespace

std::string entry_json(const Entry& entry) {
  json::object owed;
  for (const auto& [sink, one] : entry.owed)
    owed[sink] = {{"state", boost::describe::enum_to_string(one.state, "waiting")},
                  {"attempts", one.attempts},
                  {"not_before", one.not_before.time_since_epoch().count()},
                  {"says", one.says}};
  return json::serialize(json::object{{"id", entry.id},
                                      {"verdict", entry.verdict},
                                      {"summary", entry.summary},
                                      {"codes", json::value_from(entry.codes)},
                                      {"owed", std::move(owed)}}) +
         "\n";
}

std::optional<Entry> read_entry_json(std::string_view text) {
  const auto object = object_in(text);
  const auto* owed = object ? object->if_contains("owed") : nullptr;
  if (!owed || !owed->is_object()) return std::nullopt;
  Entry entry{.id = text_at(*object, "id"),
              .verdict = text_at(*object, "verdict"),
              .summary = text_at(*object, "summary"),
              .codes = texts_at(*object, "codes")};
  for (const auto& [sink, one] : owed->get_object())
    if (one.is_object()) entry.owed[sink] = read_owed(one.get_object());
  return entry;
}

std::string dropped_json(const SpoolState& count) {
  return json::serialize(json::object{{"dropped", count.dropped}, {"healthy", count.dropped_healthy}}) + "\n";
}

SpoolState read_dropped_json(std::string_view text) {
  const auto object = object_in(text).value_or(json::object{});
  return {.dropped = static_cast<int>(number_at(object, "dropped")),
          .dropped_healthy = static_cast<int>(number_at(object, "healthy"))};
}

std::string last_seen_json(const LastSeen& last) {
  return json::serialize(json::object{{"verdict", last.verdict}, {"codes", json::value_from(last.codes)}}) + "\n";
}

std::optional<LastSeen> read_last_seen_json(std::string_view text) {
  const auto object = object_in(text);
  if (!object) return std::nullopt;
  return LastSeen{.verdict = text_at(*object, "verdict"), .codes = texts_at(*object, "codes")};
}

}  // namespace vnetprobe::delivery
