#include "reports/compare/compare.hpp"

#include "reports/render/comparison.hpp"
#include "tests/support/evidence.hpp"
#include "tests/support/hostile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace vnetprobe::compare_test {
namespace {

using namespace test;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* name = "acct.blob.core.windows.net";

// A node whose storage name has that answer; from the given DNS server.
Report node(const std::string& hostname, const std::string& answer, const std::string& server, bool reached) {
  Check storage = check("storage.blob/acct", std::string("https://") + name,
                        {dns(std::string(name) + " -> " + answer, server),
                         reached ? tcp(answer + ":443") : tcp_refused(answer + ":443")});
  Report report = diagnosed({std::move(storage)});
  report.complete = true;
  report.node.hostname = {.value = hostname, .source = "uname"};
  report.node.resolvers = {{.value = server, .source = "/etc/resolv.conf:1"}};
  return report;
}

std::string implied(const Comparison& comparison) { return fmt::format("{}", fmt::join(comparison.implies, "\n")); }

TEST(Compare, AReportWithItselfHasNoDifference) {
  const auto report = node("a", "10.0.1.5", "10.0.0.10", true);
  const auto result = compare(report, report, "a.json", "b.json");
  EXPECT_THAT(result.checks, IsEmpty());
  EXPECT_THAT(result.diagnoses, IsEmpty());
  EXPECT_THAT(result.node, IsEmpty());
  EXPECT_EQ(result.same_verdicts, 1);
  EXPECT_THAT(implied(result), HasSubstr("No verdict differs."));
}

TEST(Compare, ADiagnosisOfOneNodeIsTiedToWhatDiffersInItsMatter) {
  const auto result = compare(node("bad", "20.60.0.1", "10.0.0.10", false),
                              node("good", "10.0.1.5", "168.63.129.16", true), "bad.json", "good.json");
  ASSERT_EQ(result.diagnoses.size(), 1U);
  EXPECT_EQ(result.diagnoses[0].only_in, "a");
  ASSERT_EQ(result.checks.size(), 1U);
  EXPECT_EQ(result.checks[0].a, Verdict::fail);
  EXPECT_FALSE(result.same_node);
  EXPECT_THAT(implied(result), AllOf(HasSubstr("Only A has " + result.diagnoses[0].code),
                                     HasSubstr("answer for acct.blob.core.windows.net (A: 20.60.0.1; B: 10.0.1.5)")));
}

TEST(Compare, WithoutADifferenceItPointsToWhatANodeCannotSee) {
  const auto result =
      compare(node("bad", "10.0.1.5", "10.0.0.10", false), node("good", "10.0.1.5", "10.0.0.10", true), "a", "b");
  EXPECT_THAT(implied(result),
              HasSubstr("Nothing that the node can see differs in this matter: compare the effective"));
}

TEST(Compare, OneNodeAtTwoTimesSaysWhatCameAndWhatWent) {
  auto before = node("ci-1", "10.0.1.5", "10.0.0.10", true), after = node("ci-1", "10.0.1.5", "10.0.0.10", false);
  after.started_at = before.started_at + std::chrono::hours(1);
  EXPECT_THAT(implied(compare(before, after, "a", "b")), HasSubstr("came up between the two reports"));
  EXPECT_THAT(implied(compare(after, before, "a", "b")), HasSubstr("came up between the two reports"));
  std::swap(before.started_at, after.started_at);
  EXPECT_THAT(implied(compare(before, after, "a", "b")), HasSubstr("went away between the two reports"));
}

TEST(Compare, ACauseThatBothHaveIsLookedForInWhatTheyShare) {
  const auto result =
      compare(node("a", "10.0.1.5", "10.0.0.10", false), node("b", "10.0.1.5", "10.0.0.10", false), "a", "b");
  EXPECT_THAT(result.diagnoses, IsEmpty());
  EXPECT_THAT(implied(result), HasSubstr("look first at what the two nodes share"));
}

TEST(Compare, PublicAddressesThatRotateAreNoDifference) {
  const auto result =
      compare(node("a", "20.60.0.1", "10.0.0.10", true), node("b", "20.60.0.2", "10.0.0.10", true), "a", "b");
  for (const auto& difference : result.node) EXPECT_NE(difference.topic, "answer") << difference.what;
}

TEST(Compare, ACheckOfOnlyOnePlanSaysSo) {
  auto a = node("a", "10.0.1.5", "10.0.0.10", true), b = a;
  a.node.profile = {.value = "attached-vm", .source = "--profile"};
  b.node.profile = {.value = "compute-instance", .source = "--profile"};
  b.checks.push_back({.id = "instance.name", .verdict = Verdict::pass});
  const auto result = compare(a, b, "a", "b");
  ASSERT_EQ(result.checks.size(), 1U);
  EXPECT_FALSE(result.checks[0].a.has_value());
  EXPECT_THAT(implied(result), HasSubstr("1 check is only in one report because the plans differ: profile"));
}

TEST(Compare, AnIncompleteReportProvesNothing) {
  auto a = node("a", "10.0.1.5", "10.0.0.10", true), b = a;
  b.complete = false;
  EXPECT_THAT(implied(compare(a, b, "a", "b")), HasSubstr("B is not complete"));
}

TEST(Compare, EveryFormatShowsTheSameAndNothingThatATerminalObeys) {
  const auto result = compare(hostile_report(), node("good", "10.0.1.5", "168.63.129.16", true), "h.json", "g.json");
  const auto text = render_text(result, {}), html = render_html(result), json = render_json(result);
  for (const auto& bytes : {text, html, json}) {
    EXPECT_THAT(bytes, HasSubstr("DNS servers"));
    EXPECT_THAT(bytes, Each(Not(testing::AnyOf('\x1b', '\x07', '\r'))));
    EXPECT_THAT(bytes, Not(HasSubstr("\u202e")));
  }
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(boost::json::parse(json).at("schema"), "vnetprobe.comparison/1");
}

}  // namespace
}  // namespace vnetprobe::compare_test
