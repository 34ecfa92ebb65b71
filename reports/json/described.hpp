#pragma once

#include "reports/model/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

// How a described struct maps to JSON, for the writer and the reader alike: one rule for each kind of member.
//   durations         a number of milliseconds, "_ms" added to the name
//   time points       RFC 3339 in UTC
//   enums             the enumerator's name, without a trailing underscore
//   optionals         left out when absent, but for those that every report promises (write_described.hpp): null
//   Sourced<T>        {"value": ..., "source": ...}
//   Observation       "layer", "ok", "error", "duration_ms", "follow_up" and the members of what was seen
namespace vnetprobe::described {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_optional<Rare<T>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
inline constexpr bool is_sourced = false;
template <class T>
inline constexpr bool is_sourced<Sourced<T>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

template <class T>
inline constexpr bool is_time_point = false;
template <class D>
inline constexpr bool is_time_point<std::chrono::sys_time<D>> = true;

template <class T>
struct inner_type {
  using type = T;
};
template <class T>
struct inner_type<std::optional<T>> {
  using type = T;
};
template <class T>
struct inner_type<Rare<T>> {
  using type = T;
};
template <class T>
using inner = typename inner_type<T>::type;

template <class T>
using members = boost::describe::describe_members<T, boost::describe::mod_any_access>;

// A member's key.
template <class Member>
std::string key_of(std::string_view name) {
  return is_duration<inner<Member>> ? std::string(name) + "_ms" : std::string(name);
}

template <class E>
std::string enum_name(E value) {
  std::string_view name = boost::describe::enum_to_string(value, "unknown");
  if (name.ends_with('_')) name.remove_suffix(1);
  return std::string(name);
}

template <class E>
std::optional<E> enum_value(std::string_view wanted) {
  std::optional<E> found;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    if (!found && enum_name(enumerator.value) == wanted) found = enumerator.value;
  });
  return found;
}

}  // namespace vnetprobe::described
