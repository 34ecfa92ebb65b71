#include "reports/json/report_json.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"
#include "reports/render/prometheus.hpp"
#include "reports/render/text.hpp"
#include "reports/render/unicode.hpp"
#include "reports/render/words.hpp"
#include "tests/support/evidence.hpp"
#include "tests/support/hostile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace vnetprobe::render_formats_test {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

struct Renderer {
  const char* name;
  std::function<std::string(const Report&)> render;
};

std::vector<Renderer> every_format() {
  return {{"text", [](const Report& report) { return render_text(report, {}); }},
          {"verbose text", [](const Report& report) { return render_text(report, {.verbose = true}); }},
          {"json", [](const Report& report) { return render_json(report); }},
          {"html", [](const Report& report) { return render_html(report); }},
          {"junit", [](const Report& report) { return render_junit(report); }},
          {"markdown", [](const Report& report) { return render_markdown(report); }},
          {"prometheus", [](const Report& report) { return render_prometheus(report); }}};
}

Report broken_storage() {
  Report report = diagnosed({check("storage.blob/acct", "https://acct.blob.core.windows.net",
                                   {dns("acct.blob.core.windows.net -> 20.60.0.1"), tcp_refused("20.60.0.1:443")}),
                             check("tag.AzureResourceManager", "https://management.azure.com",
                                   {dns("management.azure.com -> 20.60.0.2"), tcp("20.60.0.2:443")})});
  report.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  report.complete = true;
  report.node.hostname = {.value = "ci-1", .source = "uname"};
  return report;
}

// Characters that a terminal obeys or that turn a line round, in UTF-8.
bool obeys(const std::string& bytes, bool line_feeds) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const CodePoint c = first_code_point(rest);
    const bool allowed = c.value == '\n' && line_feeds;
    if (!c.valid || ((is_control(c.value) || is_treacherous(c.value)) && !allowed)) return true;
    rest.remove_prefix(c.length);
  }
  return false;
}

TEST(Formats, NoneLetsControlCharactersOrMarksThatReorderThrough) {
  const auto report = hostile_report();
  for (const auto& format : every_format()) EXPECT_FALSE(obeys(format.render(report), true)) << format.name;
}

TEST(Formats, MarkupIsTextInHtmlAndXml) {
  const auto report = hostile_report();
  for (const auto& bytes : {render_html(report), render_junit(report)}) {
    EXPECT_THAT(bytes, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(bytes, Not(HasSubstr("<img")));
    EXPECT_THAT(bytes, Not(HasSubstr("]]>")));
    EXPECT_THAT(bytes, HasSubstr("&lt;script&gt;alert(1)"));
  }
  EXPECT_THAT(render_markdown(report), Not(HasSubstr("\n# head")));
}

TEST(Formats, LongStringsAreCutButInJson) {
  const std::string long_word(1 << 20, 'x');
  Report report = broken_storage();
  for (auto& one : report.checks) one.reason = long_word;
  for (auto& one : report.diagnoses) {
    one.title = one.explanation = long_word;
    one.fix = {{.text = long_word, .command = long_word}};
  }
  report.node.hostname = {.value = long_word, .source = long_word};
  for (const auto& format : every_format()) {
    const auto bytes = format.render(report);
    const std::string_view name = format.name;
    EXPECT_EQ(bytes.find(long_word) != std::string::npos, name == "json" || name == "html") << name;
    EXPECT_EQ(bytes.find("(1048576 bytes)") == std::string::npos, name == "json") << name;
  }
}

TEST(Formats, AllCarryTheSameVerdicts) {
  const auto report = broken_storage();
  EXPECT_THAT(render_text(report, {}), HasSubstr("UNHEALTHY"));
  EXPECT_THAT(render_html(report), HasSubstr("<h1>UNHEALTHY"));
  EXPECT_THAT(render_markdown(report), HasSubstr("# UNHEALTHY"));
  EXPECT_THAT(render_junit(report), HasSubstr(R"(tests="2" failures="1" errors="0" skipped="1")"));
  EXPECT_THAT(render_prometheus(report),
              HasSubstr("vnetprobe_check_verdict{check=\"storage.blob/acct\",required=\"true\",verdict=\"fail\"} 1\n"));
  EXPECT_THAT(render_prometheus(report), HasSubstr("vnetprobe_report_verdict{verdict=\"unhealthy\"} 1\n"));
  for (const auto& format : every_format())
    EXPECT_THAT(format.render(report), HasSubstr(report.diagnoses.at(0).code)) << format.name;
}

TEST(Text, ALongRunSaysWhereItsTimeWentAndAShortOneDoesNot) {
  Report report = broken_storage();
  auto slow = tcp_silent("20.60.0.9:443");
  auto again = slow;
  again.follow_up = "the same again";
  Check check = test::check("tag.Storage", "https://x.blob.core.windows.net", {slow, again});
  check.duration = 9s;
  report.checks.push_back(check);
  report.duration = 9s;
  EXPECT_THAT(time_line(report), HasSubstr("the longest: tag.Storage 9.0 s (tcp 5.0 s, experiments 4.0 s)"));
  EXPECT_THAT(render_text(report, {}), HasSubstr("the longest: tag.Storage"));
  report.duration = 2s;
  EXPECT_EQ(time_line(report), "");
}

TEST(Notes, AChangeAndWhatWaitsAreToldInEveryFormatForPeople) {
  Report report = broken_storage();
  report.change =
      StateChange{.kind = ChangeKind::changed, .previous_verdict = "healthy", .appeared = {"a.b"}, .gone = {"c.d"}};
  report.spool = SpoolNote{.waiting = 2, .parked = 1};
  for (const auto& text : {render_text(report, {.width = 200}), render_html(report)}) {
    EXPECT_THAT(text, HasSubstr("Changed since the run before, which was healthy (a.b appeared; c.d went)."));
    EXPECT_THAT(text, HasSubstr("2 reports could not be delivered yet, 1 report refused by the receiver"));
  }
  report.change->kind = ChangeKind::flapping;
  report.change->changes = 3;
  report.change->runs = 5;
  EXPECT_THAT(render_text(report, {.width = 200}), HasSubstr("Flapping: 3 of the last 5 runs differed"));
}

TEST(Formats, AnEmptyReportIsRenderedByAll) {
  for (const auto& format : every_format()) EXPECT_FALSE(format.render(Report{}).empty()) << format.name;
}

TEST(Junit, WhatWasNotDecidedIsNeverAPass) {
  struct Case {
    const char* name;
    Verdict verdict;
    bool finished;
    const char* expected;
  };
  for (const auto& c : std::vector<Case>{{"passed", Verdict::pass, true, "/>\n    <system-out>"},
                                         {"a warning", Verdict::warn, true, "/>\n    <system-out>"},
                                         {"failed", Verdict::fail, true, "<failure type=\"fail\""},
                                         {"skipped", Verdict::skip, true, "<skipped type=\"skip\""},
                                         {"needs root", Verdict::inconclusive, true, "<skipped type=\"inconclusive\""},
                                         {"cut off", Verdict::inconclusive, false, "<error type=\"inconclusive\""}}) {
    Report report{.complete = true};
    report.checks.push_back({.id = "a.b", .verdict = c.verdict, .reason = "why", .finished = c.finished});
    EXPECT_THAT(render_junit(report), HasSubstr(c.expected)) << c.name;
  }
}

TEST(Prometheus, TwoChecksOfOneNameAreOneSeries) {
  Report report;
  report.checks = {{.id = "target.a"}, {.id = "target.a"}};
  const auto bytes = render_prometheus(report);
  const std::string series = "vnetprobe_check_duration_seconds{check=\"target.a\"}";
  EXPECT_THAT(bytes, HasSubstr(series));
  EXPECT_EQ(bytes.find(series), bytes.rfind(series));
}

TEST(Markdown, FitsAnIssueWhateverTheReportHolds) {
  Report report = hostile_report();
  const auto model = report.checks.front();
  report.checks.assign(500, model);
  report.diagnoses.assign(60, report.diagnoses.front());
  const auto bytes = render_markdown(report);
  EXPECT_LE(bytes.size(), markdown_at_most);
  EXPECT_THAT(bytes, HasSubstr("left out for want of room"));
  EXPECT_THAT(bytes, Not(HasSubstr("@everyone [")));  // a mention calls people
}

TEST(Html, HasNothingThatAStrictPolicyRefuses) {
  const auto bytes = render_html(broken_storage());
  EXPECT_THAT(bytes, HasSubstr("default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(bytes, Not(HasSubstr(" style=")));
  EXPECT_THAT(bytes, Not(HasSubstr("http://")));
  EXPECT_THAT(bytes, Not(testing::ContainsRegex(" on[a-z]+=")));
  EXPECT_THAT(bytes, Not(HasSubstr("{{")));
}

TEST(Html, ResolversDifferWhereOneKeepsAPrivateAddressFromTheOther) {
  struct Case {
    const char* name;
    std::vector<Observation> seen;
    bool differs;
  };
  for (const auto& c : std::vector<Case>{
           {"private and public", {dns("a.b -> 10.0.1.5"), dns("a.b -> 20.60.0.1", "168.63.129.16")}, true},
           {"an answer and none", {dns("a.b -> 20.60.0.1"), dns("a.b -> timeout", "168.63.129.16")}, true},
           {"refused and silent", {dns("a.b -> REFUSED"), dns("a.b -> timeout", "168.63.129.16")}, true},
           {"public addresses that rotate", {dns("a.b -> 20.60.0.1"), dns("a.b -> 20.60.0.2", "168.63.129.16")}, false},
           {"two questions to one, one to the other",
            {dns("a.b -> timeout"), dns("a.b -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA"),
             dns_tcp("a.b -> timeout")},
            false},
           {"AAAA alone",
            {dns("a.b -> 10.0.1.5"), dns("a.b -> nodata", "168.63.129.16", DnsTransport::udp, "AAAA")},
            false}}) {
    Report report;
    report.checks.push_back({.id = "a.b", .observations = c.seen});
    EXPECT_EQ(render_html(report).find("badge differs\">") != std::string::npos, c.differs) << c.name;
  }
}

TEST(Html, APathIsShownHopByHop) {
  Report report;
  PathObservation path{.remote = {"20.60.0.1", 443},
                       .hops = {{.ttl = 1, .reply = PathReply::time_exceeded, .address = "10.0.0.1"}, {.ttl = 2}},
                       .reached_at = {}};
  report.checks.push_back({.id = "egress.path", .observations = {{.seen = path, .follow_up = "silence"}}});
  const auto bytes = render_html(report);
  EXPECT_THAT(bytes, HasSubstr("<li value=\"1\"><code>10.0.0.1</code> time exceeded</li><li value=\"2\">silent</li>"));
  EXPECT_THAT(bytes, HasSubstr("not reached"));
}

TEST(Html, ASilenceThatWasHopedForIsNoFailure) {
  Report report;
  report.checks.push_back({.id = "egress.path", .verdict = Verdict::pass, .observations = {dns("a.b -> timeout")}});
  EXPECT_THAT(render_html(report), Not(HasSubstr("class=\"dns failed\"")));
  report.checks[0].verdict = Verdict::fail;
  EXPECT_THAT(render_html(report), HasSubstr("class=\"dns failed\""));
}

TEST(Visible, ShowsWhatItIs) {
  struct Case {
    const char* name;
    std::string text, expected;
    std::size_t limit = 100;
  };
  for (const auto& c : std::vector<Case>{{"ordinary letters", "Zürich 東京 🙂", "Zürich 東京 🙂"},
                                         {"an escape sequence", "a\x1b[1m", "a\\u001b[1m"},
                                         {"a mark that reorders", "a\u202eb", "a\\u202eb"},
                                         {"a tag character", "\U000E0041", "\\ue0041"},
                                         {"bytes that are no UTF-8", "a\xff\xc0\xaf", "a\uFFFD\uFFFD\uFFFD"},
                                         {"half a character", "a\xe6\x9d", "a\uFFFD\uFFFD"},
                                         {"cut between characters", "東東東", "東... (9 bytes)", 5}})
    EXPECT_EQ(visible(c.text, c.limit), c.expected) << c.name;
}

}  // namespace
}  // namespace vnetprobe::render_formats_test
