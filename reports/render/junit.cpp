#include "reports/render/junit.hpp"

#include "reports/render/append.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/unicode.hpp"
#include "reports/render/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace vnetprobe {
namespace {

constexpr std::size_t name_at_most = 500, text_at_most = 2000;

std::string as_seconds(std::chrono::microseconds duration) {
  return fmt::format("{:.6f}", std::chrono::duration<double>(duration).count());
}

// The first segment of the id: "storage" of "storage.blob/mystorage".
std::string group_of(const Check& check) { return check.id.substr(0, check.id.find_first_of("./")); }

std::string name(std::string_view text) {
  auto result = escaped(text, name_at_most);
  return result.empty() ? "unnamed" : result;
}

void property(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) add(out, "      <property name=\"{}\" value=\"{}\"/>\n", key, escaped(value, text_at_most));
}

// Everything that somebody with nothing but the CI's page needs: the cause, who fixes it, the command, what was seen.
std::string story(const Check& check, const Report& report) {
  std::string text = check.required ? "" : "This check is optional.\n";
  for (const auto* diagnosis : diagnoses_of(check, report)) {
    text += fmt::format("{} ({}, {})\nWho fixes it: {}\n", diagnosis->title, diagnosis->code,
                        word(diagnosis->confidence), fixer(diagnosis->owner));
    for (const auto& fix : diagnosis->fix) {
      text += fix.text + '\n';
      if (!fix.command.empty()) text += "  " + fix.command + '\n';
    }
  }
  std::string out = escaped(text, 16 * text_at_most, Lines::kept);
  for (const auto& observation : check.observations) out += escaped(describe(observation), text_at_most) + '\n';
  return out;
}

void test_case(std::string& out, const Check& check, const Report& report) {
  add(out, "    <testcase classname=\"vnetprobe.{}\" name=\"{}\" time=\"{}\"", name(group_of(check)), name(check.id),
      as_seconds(check.duration));
  const auto reason = escaped(check.reason, text_at_most);
  if (check.verdict == Verdict::pass || check.verdict == Verdict::warn) {
    // The format has no word for a warning: the suite's output names it.
    out += "/>\n";
  } else if (check.verdict == Verdict::fail) {
    add(out, ">\n      <failure type=\"fail\" message=\"{}\">{}</failure>\n    </testcase>\n", reason,
        story(check, report));
  } else if (cut_off(check, report)) {
    add(out, ">\n      <error type=\"inconclusive\" message=\"{}\">{}</error>\n    </testcase>\n", reason,
        story(check, report));
  } else {
    add(out, ">\n      <skipped type=\"{}\" message=\"{}: {}\"/>\n    </testcase>\n", word(check.verdict),
        word(check.verdict), reason);
  }
}

void properties(std::string& out, const Report& report) {
  out += "    <properties>\n";
  property(out, "report.id", report.id);
  property(out, "verdict", word(report.verdict));
  property(out, "complete", report.complete ? "true" : "false");
  property(out, "agent.version", report.agent.version);
  property(out, "agent.catalog", report.agent.catalog);
  if (report.node.profile) property(out, "node.profile", report.node.profile->value);
  if (report.node.cloud) property(out, "node.cloud", report.node.cloud->value);
  if (report.node.region) property(out, "node.region", report.node.region->value);
  out += "    </properties>\n";
}

}  // namespace

std::string render_junit(const Report& report) {
  const auto errors = std::ranges::count_if(report.checks, [&](const Check& check) { return cut_off(check, report); });
  const auto failures = std::ranges::count(report.checks, Verdict::fail, &Check::verdict);
  const auto skipped = std::ranges::count_if(report.checks,
                                             [](const Check& c) {
                                               return c.verdict == Verdict::skip || c.verdict == Verdict::inconclusive;
                                             }) -
                       errors;
  const auto& hostname = report.node.hostname;
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  add(out,
      "  <testsuite id=\"0\" package=\"vnetprobe\" name=\"vnetprobe\" hostname=\"{}\" "
      "timestamp=\"{:%Y-%m-%dT%H:%M:%S}\" "
      "time=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
      hostname && !hostname->value.empty() ? name(hostname->value) : "localhost",
      std::chrono::floor<std::chrono::seconds>(report.started_at), as_seconds(report.duration), report.checks.size(),
      failures, errors, skipped);
  properties(out, report);
  for (const auto& check : report.checks) test_case(out, check, report);
  add(out, "    <system-out>{}\n", escaped(headline(report)));
  for (const auto& diagnosis : report.diagnoses)
    add(out, "{}: {}\n", escaped(diagnosis.code), escaped(diagnosis.title, text_at_most));
  for (const auto& check : report.checks)
    if (check.verdict == Verdict::warn)
      add(out, "warning: {}: {}\n", escaped(check.id, name_at_most), escaped(check.reason, text_at_most));
  out += "</system-out>\n    <system-err/>\n  </testsuite>\n</testsuites>\n";
  return out;
}

}  // namespace vnetprobe
