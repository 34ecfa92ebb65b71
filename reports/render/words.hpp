#pragma once

#include "reports/model/report.hpp"

// The phrases that every format shares, so that a ticket, a page and a terminal say the same. Pure.
namespace vnetprobe {

// "fail", "timed_out": the enumerator's name.
template <class Enum>
std::string_view word(Enum value) {
  return boost::describe::enum_to_string(value, "unknown");
}

// The same for people: "timed out".
template <class Enum>
std::string phrase(Enum value) {
  std::string text(word(value));
  for (char& c : text)
    if (c == '_') c = ' ';
  return text;
}

// "1 check", "3 checks"
std::string count_of(std::size_t count, std::string_view what);
// "the network's owner (NSG, routes, firewall)"
std::string_view fixer(Owner owner);
// "UNHEALTHY: 1 cause found; 4 checks failed"
std::string headline(const Report& report);
// "Not complete: the deadline passed after 60 s, with 3 checks unfinished."; empty for a complete report.
std::string incomplete(const Report& report);
// "Changed since the run before (healthy): dns.resolver.refused appeared."; empty when nobody compared.
std::string change_line(const Report& report);
// "Took 12.3 s; the longest: storage.blob/acct 12.1 s (tcp 5.0 s, experiments 7.0 s)."; empty for a run of up to 3 s.
std::string time_line(const Report& report);
// What earlier runs could not deliver: "Delivery: 2 reports could not be delivered yet; ..."; empty for none.
std::string spool_line(const Report& report);
// "ci-1 | compute-instance | eastus2 | ... | DNS 10.0.0.10"
std::string node_line(const Report& report);
// "2026-03-01 12:00:00 UTC"
std::string moment(std::chrono::sys_time<std::chrono::milliseconds> time);

// The deadline or Ctrl-C came before this check was decided (product.md 2: that counts as a failure).
bool cut_off(const Check& check, const Report& report);

// Neither passed nor left out on purpose: what a reader wants to see first.
bool is_open(const Check& check);

// Diagnoses that name this check, in the report's order.
std::vector<const Diagnosis*> diagnoses_of(const Check& check, const Report& report);

}  // namespace vnetprobe
