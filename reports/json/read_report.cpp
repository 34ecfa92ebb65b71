#include "reports/json/described.hpp"
#include "reports/json/report_json.hpp"

#include <boost/json/stream_parser.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>

namespace vnetprobe {
namespace {

using namespace described;
namespace json = boost::json;

constexpr std::size_t report_bytes_at_most = 256U << 20;
constexpr unsigned depth_at_most = 64;
constexpr std::string_view known_schema = "vnetprobe.report/1";

// The first thing that does not fit, with its place. Thrown inside this file, returned to the caller as text.
struct Misfit {
  std::string message;
};

// Where the reader is: "checks[3].observations[1].remote".
class Place {
 public:
  explicit Place(std::string path = {}) : path_(std::move(path)) {}
  Place member(std::string_view key) const {
    return Place(path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
  }
  Place element(std::size_t index) const { return Place(fmt::format("{}[{}]", path_, index)); }
  [[noreturn]] void complain(std::string_view what) const {
    throw Misfit{path_.empty() ? std::string(what) : fmt::format("{}: {}", path_, what)};
  }
  [[noreturn]] void expected(std::string_view wanted, const json::value& found) const {
    constexpr std::array names{"null",     "true or false", "a number", "a number",
                               "a number", "a string",      "an array", "an object"};
    complain(fmt::format("expected {}, found {}", wanted, names[static_cast<std::size_t>(found.kind())]));
  }

 private:
  std::string path_;
};

template <class T>
void read(const json::value& from, T& into, const Place& place);

void read_observation(const json::value& from, Observation& into, const Place& place);

template <class Number>
void read_number(const json::value& from, Number& into, const Place& place) {
  if (!from.is_number()) place.expected("a number", from);
  json::error_code does_not_fit;
  into = from.to_number<Number>(does_not_fit);
  if (does_not_fit) place.complain("the number is out of range");
}

template <class Duration>
void read_duration(const json::value& from, Duration& into, const Place& place) {
  if (!from.is_number()) place.expected("a number", from);
  const double value = from.to_number<double>();
  constexpr double year = 366.0 * 24 * 3600 * 1000;
  if (!(std::abs(value) <= 100 * year)) place.complain("the duration is out of range");
  into = std::chrono::round<Duration>(std::chrono::duration<double, std::milli>(value));
}

template <class TimePoint>
void read_time(const json::value& from, TimePoint& into, const Place& place) {
  if (!from.is_string()) place.expected("a time as a string", from);
  const std::string text(from.get_string());
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) place.complain("expected a time like 2026-03-01T12:00:00Z");
  into = TimePoint(std::chrono::seconds(::timegm(&parts)));
  if (*rest != '.') return;
  char* end = nullptr;
  const double fraction = std::strtod(rest, &end);
  using Duration = typename TimePoint::duration;
  into += std::chrono::round<Duration>(std::chrono::duration<double>(fraction));
}

template <class Enum>
void read_enum(const json::value& from, Enum& into, const Place& place) {
  if (!from.is_string()) place.expected("a string", from);
  const auto value = enum_value<Enum>(std::string_view(from.get_string()));
  if (!value) place.complain(fmt::format("unknown word '{}'", std::string_view(from.get_string()).substr(0, 60)));
  into = *value;
}

// What is missing keeps its default: earlier versions wrote less. check_schema() insists on what makes a report.
template <class T>
void read_member(const json::object& from, std::string_view name, T& into, const Place& place) {
  const std::string key = key_of<T>(name);
  const auto* value = from.if_contains(key);
  if (!value || (is_optional<T> && value->is_null())) return;
  if constexpr (is_optional<T>)
    read(*value, into.emplace(), place.member(key));
  else
    read(*value, into, place.member(key));
}

template <class T>
void read(const json::value& from, T& into, const Place& place) {
  if constexpr (std::is_same_v<T, Observation>) {
    read_observation(from, into, place);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!from.is_bool()) place.expected("true or false", from);
    into = from.get_bool();
  } else if constexpr (std::is_enum_v<T>) {
    read_enum(from, into, place);
  } else if constexpr (std::is_arithmetic_v<T>) {
    read_number(from, into, place);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!from.is_string()) place.expected("a string", from);
    into = std::string(from.get_string());
  } else if constexpr (is_duration<T>) {
    read_duration(from, into, place);
  } else if constexpr (is_time_point<T>) {
    read_time(from, into, place);
  } else if constexpr (is_vector<T>) {
    if (!from.is_array()) place.expected("an array", from);
    into.resize(from.get_array().size());
    for (std::size_t i = 0; i < into.size(); ++i) read(from.get_array()[i], into[i], place.element(i));
  } else {
    if (!from.is_object()) place.expected("an object", from);
    const json::object& object = from.get_object();
    if constexpr (is_sourced<T>) {
      read_member(object, "value", into.value, place);
      read_member(object, "source", into.source, place);
    } else {
      boost::mp11::mp_for_each<members<T>>(
          [&](auto member) { read_member(object, member.name, into.*member.pointer, place); });
    }
  }
}

void read_observation(const json::value& from, Observation& into, const Place& place) {
  if (!from.is_object()) place.expected("an object", from);
  const json::object& object = from.get_object();
  const auto* layer = object.if_contains("layer");
  if (!layer || !layer->is_string()) place.complain("an observation needs its `layer`");
  const std::string_view wanted = layer->get_string();
  bool known = false;
  boost::mp11::mp_for_each<boost::mp11::mp_iota<boost::mp11::mp_size<Seen>>>([&](auto index) {
    using Layer = std::variant_alternative_t<index, Seen>;
    if (known || layer_of(Seen(std::in_place_index<index>)) != wanted) return;
    known = true;
    auto& seen = into.seen.emplace<index>();
    boost::mp11::mp_for_each<members<Layer>>(
        [&](auto member) { read_member(object, member.name, seen.*member.pointer, place); });
  });
  if (!known) place.member("layer").complain(fmt::format("unknown layer '{}'", wanted.substr(0, 40)));
  read_member(object, "follow_up", into.follow_up, place);
}

void check_schema(const json::value& document) {
  if (!document.is_object()) Place().expected("a report (a JSON object)", document);
  const auto* schema = document.get_object().if_contains("schema");
  if (!schema || !schema->is_string()) Place().complain("this is no vnetprobe report: it has no `schema`");
  const std::string_view name = schema->get_string();
  if (name != known_schema)
    Place("schema").complain(fmt::format("this version reads {}, found '{}'", known_schema, name.substr(0, 60)));
  for (const std::string_view key : {"id", "checks", "started_at"})
    if (!document.get_object().if_contains(key))
      Place().complain(fmt::format("this is no whole report: `{}` is missing", key));
}

std::string line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

ReadReport read_report(std::string_view text) {
  if (text.size() > report_bytes_at_most) return {.report = {}, .error = "larger than 256 MiB"};
  json::stream_parser parser({}, {.max_depth = depth_at_most});
  json::error_code broken;
  const std::size_t read_bytes = parser.write_some(text.data(), text.size(), broken);
  if (!broken && text.find_first_not_of(" \t\r\n", read_bytes) != std::string_view::npos)
    broken = json::error::extra_data;
  if (!broken) parser.finish(broken);
  if (broken)
    return {.report = {},
            .error = fmt::format("no JSON: {} at {}", broken.message(), line_and_column(text, read_bytes))};
  try {
    const json::value document = parser.release();
    check_schema(document);
    Report report;
    read(document, report, Place());
    return {.report = std::move(report), .error = {}};
  } catch (const Misfit& misfit) {
    return {.report = {}, .error = misfit.message};
  }
}

}  // namespace vnetprobe
