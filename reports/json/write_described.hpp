#pragma once

#include "reports/json/described.hpp"
#include "reports/json/json_writer.hpp"

#include <algorithm>
#include <array>

// Described structs as JSON, by the rules of described.hpp. Only for the files that write a document: every type that
// is written is an instantiation of its own.
namespace vnetprobe::described {

template <class T>
void write(JsonWriter& out, const T& value);

inline void write_observation(JsonWriter& out, const Observation& observation);

template <class T>
void write_member(JsonWriter& out, std::string_view name, const T& value) {
  if constexpr (is_optional<T>) {
    if (!value) return;
    out.key(key_of<T>(name));
    write(out, *value);
  } else {
    out.key(key_of<T>(name));
    write(out, value);
  }
}

// Keys that stand in every report, whatever is known (product 8): null where there is nothing.
template <class T>
inline constexpr std::array<std::string_view, 0> promised{};
template <>
inline constexpr std::array<std::string_view, 1> promised<Target>{"service_tag"};
template <>
inline constexpr std::array<std::string_view, 2> promised<Node>{"region", "imds"};

template <class T>
void write_members(JsonWriter& out, const T& value) {
  boost::mp11::mp_for_each<members<T>>([&](auto member) {
    const auto& one = value.*member.pointer;
    if constexpr (is_optional<std::remove_cvref_t<decltype(one)>> && !promised<T>.empty())
      if (!one && std::ranges::count(promised<T>, member.name) > 0) {
        out.key(member.name);
        return out.null();
      }
    write_member(out, member.name, one);
  });
}

template <class T>
void write(JsonWriter& out, const T& value) {
  if constexpr (std::is_same_v<T, Observation>) {
    write_observation(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::is_enum_v<T>) {
    out.text(enum_name(value));
  } else if constexpr (std::is_signed_v<T>) {
    out.number(static_cast<std::int64_t>(value));
  } else if constexpr (std::is_unsigned_v<T>) {
    out.number(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.text(value);
  } else if constexpr (is_duration<T>) {
    out.milliseconds(std::chrono::duration<double, std::milli>(value).count());
  } else if constexpr (is_time_point<T>) {
    out.text(fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", value));
  } else if constexpr (is_vector<T>) {
    out.begin_array();
    for (const auto& element : value) write(out, element);
    out.end_array();
  } else if constexpr (is_sourced<T>) {
    out.begin_object();
    write_member(out, "value", value.value);
    write_member(out, "source", value.source);
    out.end_object();
  } else {
    out.begin_object();
    write_members(out, value);
    out.end_object();
  }
}

// "error" and "duration_ms" come first whatever the layer, and only once.
template <class Layer>
void write_layer(JsonWriter& out, const Layer& layer) {
  out.key("error");
  if (layer.error)
    write(out, *layer.error);
  else
    out.null();
  write_member(out, "duration", layer.duration);
  boost::mp11::mp_for_each<members<Layer>>([&](auto member) {
    const std::string_view name = member.name;
    if (name != "error" && name != "duration") write_member(out, name, layer.*member.pointer);
  });
}

inline void write_observation(JsonWriter& out, const Observation& observation) {
  out.begin_object();
  out.key("layer");
  out.text(layer_of(observation.seen));
  out.key("ok");
  out.boolean(is_ok(observation.seen));
  if (observation.follow_up) write_member(out, "follow_up", *observation.follow_up);
  std::visit([&](const auto& layer) { write_layer(out, layer); }, observation.seen);
  out.end_object();
}

}  // namespace vnetprobe::described
