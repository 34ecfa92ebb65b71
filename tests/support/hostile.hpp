#pragma once

#include "reports/json/described.hpp"

#include <string>

// A report in which every string is hostile, whatever the structs gain later: they describe themselves.
namespace vnetprobe::test {

// Breaks out of HTML text, attributes, scripts and comments, of Markdown and XML, turns lines round, rings a bell.
inline const std::string hostile =
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"' onclick=alert(1) ]]> --> <!-- & &lt; "
    "\x1b[31m\x07\x00\x9b"
    "``` ~~~ | **b** @everyone [l](javascript:alert(1)) https://evil.example www.evil.example \n# head\n\xe2\x80\xae"
    "drowkcab\xe2\x81\xa6 \xe2\x80\x8b\xc2\x85 \xff\xc0\xaf\xed\xa0\x80 {{body}} "
    "\xf3\xa0\x81\x81\r\n</textarea></details></pre>";

template <class T>
void poison(T& value, const std::string& poisonous);

inline void poison_observations(std::vector<Observation>& into, const std::string& poisonous) {
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Seen>>([&](auto identity) {
    using Layer = typename decltype(identity)::type;
    for (const bool followed : {false, true}) {
      Layer layer;
      poison(layer, poisonous);
      if (!followed) layer.error.reset();
      Observation observation{.seen = std::move(layer), .follow_up = {}};
      if (followed) observation.follow_up = poisonous;
      into.push_back(std::move(observation));
    }
  });
}

template <class T>
void poison(T& value, const std::string& poisonous) {
  using namespace described;
  if constexpr (std::is_same_v<T, std::string>) {
    value = poisonous;
  } else if constexpr (std::is_same_v<T, bool>) {
    value = true;
  } else if constexpr (is_optional<T>) {
    poison(value.emplace(), poisonous);
  } else if constexpr (std::is_same_v<T, std::vector<Observation>>) {
    poison_observations(value, poisonous);
  } else if constexpr (is_vector<T>) {
    value.resize(2);
    for (auto& element : value) poison(element, poisonous);
  } else if constexpr (is_sourced<T>) {
    poison(value.value, poisonous);
    poison(value.source, poisonous);
  } else if constexpr (std::is_enum_v<T> || is_duration<T> || is_time_point<T> || std::is_arithmetic_v<T>) {
    // No text.
  } else {
    boost::mp11::mp_for_each<members<T>>([&](auto member) { poison(value.*member.pointer, poisonous); });
  }
}

inline Report hostile_report(const std::string& poisonous = hostile) {
  Report report;
  poison(report, poisonous);
  report.schema = "vnetprobe.report/1";
  constexpr std::array verdicts{Verdict::fail, Verdict::inconclusive, Verdict::skip, Verdict::warn, Verdict::pass};
  const Check model = report.checks.front();
  report.checks.assign(verdicts.size(), model);
  for (std::size_t i = 0; i < verdicts.size(); ++i) report.checks[i].verdict = verdicts[i];
  report.verdict = OverallVerdict::unhealthy;
  return report;
}

}  // namespace vnetprobe::test
