#include "reports/fleet/fleet.hpp"
#include "reports/json/report_json.hpp"
#include "reports/render/fleet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::fleet_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A report of our own writer, so that the reader of summaries is held to it.
Report report() {
  Report report{.id = "01A", .complete = true, .verdict = OverallVerdict::unhealthy};
  report.started_at = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12);
  report.agent.version = "0.1.0";
  report.node.hostname = {.value = "ci-1", .source = "uname"};
  report.node.region = {.value = "eastus2", .source = "imds"};
  report.node.public_ip = {.value = false, .source = "default"};
  report.node.addresses = {{.value = "10.1.4.17/24", .interface = "eth0", .source = "kernel"},
                           {.value = "127.0.0.1/8", .interface = "lo", .source = "kernel"},
                           {.value = "fe80::1/64", .interface = "eth0", .source = "kernel"}};
  report.node.resolvers = {{.value = "10.0.0.4", .source = "resolv.conf"}};
  report.diagnoses = {
      {.code = "dns.resolver.refused", .severity = Severity::critical, .title = "It refuses", .owner = Owner::dns},
      {.code = "proxy.in_use", .severity = Severity::info}};
  Check check{.id = "storage.blob/acct", .verdict = Verdict::fail};
  check.observations.push_back({.seen = ImdsObservation{.vm_id = "vm-1",
                                                        .vm_size = "Standard_DS3_v2",
                                                        .publisher = "canonical",
                                                        .offer = "jammy",
                                                        .subnets = {"10.1.4.0/24"}},
                                .follow_up = {}});
  report.checks = {check, {.id = "node.os", .verdict = Verdict::pass}};
  return report;
}

TEST(NodeSummary, TakesWhatAFleetNeedsFromAReportThatWasWritten) {
  const auto read = read_summary(render_json(report()), "a.json");
  ASSERT_TRUE(read.node) << read.error;
  const auto& node = *read.node;
  EXPECT_EQ(node.hostname, "ci-1");
  EXPECT_EQ(node.machine, "vm-1");
  EXPECT_EQ(node.started_at, "2026-03-01T12:00:00Z");
  EXPECT_EQ(node.verdict, OverallVerdict::unhealthy);
  EXPECT_TRUE(node.complete);
  ASSERT_THAT(node.diagnoses, SizeIs(1)) << "what is for information is no cause";
  EXPECT_EQ(node.diagnoses[0].code, "dns.resolver.refused");
  EXPECT_EQ(node.diagnoses[0].owner, Owner::dns);
  ASSERT_THAT(node.checks, SizeIs(2));
  EXPECT_EQ(node.checks[0].id, "storage.blob/acct");
  EXPECT_EQ(node.checks[0].verdict, Verdict::fail);
  EXPECT_THAT(node.traits,
              ElementsAre(Trait{"VM size", "Standard_DS3_v2"}, Trait{"agent", "0.1.0"},
                          Trait{"image", "canonical:jammy"}, Trait{"public IP", "no"}, Trait{"region", "eastus2"},
                          Trait{"resolver", "10.0.0.4"}, Trait{"subnet", "10.1.4.0/24"}));
}

TEST(NodeSummary, WhatIsNoReportIsSaidWithItsPlace) {
  struct Case {
    std::string text, error;
  };
  const std::string whole = render_json(report());
  for (const auto& [text, error] :
       {Case{"", "byte 0: incomplete JSON"}, Case{"<html>", "byte 0: syntax error"},
        Case{whole.substr(0, 400), "byte 400: incomplete JSON"},
        Case{"[]", "no report of vnetprobe: the key 'schema' is missing"},
        Case{"{}", "no report of vnetprobe: the key 'schema' is missing"},
        Case{"7", "no report of vnetprobe: the key 'schema' is missing"},
        Case{R"({"schema": "other/2"})", "schema 'other/2'; this version reads vnetprobe.report/1"},
        Case{R"({"schema": "vnetprobe.report/1"})", "the key 'verdict' is missing"},
        Case{R"({"schema": "vnetprobe.report/1", "verdict": "healthy"})", "the key 'started_at' is missing"},
        Case{R"({"schema": "vnetprobe.report/1", "verdict": "fine"})", "verdict: 'fine' is not known"},
        Case{whole + whole, "byte " + std::to_string(whole.size()) + ": more than one document"}})
    EXPECT_EQ(read_summary(text, "x").error, error) << text.substr(0, 60);
}

TEST(NodeSummary, HostileReportsAreBounded) {
  std::string text =
      R"({"schema":"vnetprobe.report/1","verdict":"healthy","started_at":"2026-01-01T00:00:00Z","node":{"hostname":{"value":")" +
      std::string(1'000'000, 'x') + R"("}},"checks":[)";
  for (int i = 0; i < 30'000; ++i) text += R"({"id":"a","verdict":"pass"},)";
  text += R"({"id":"b","verdict":"fail"}]})";
  const auto read = read_summary(text, "x");
  ASSERT_TRUE(read.node) << read.error;
  EXPECT_THAT(read.node->hostname, SizeIs(300));
  EXPECT_THAT(read.node->checks, SizeIs(20'000));
  EXPECT_NE(read_summary(std::string(100'000, '['), "x").error, "");
}

NodeSummary node(std::string name, std::string code = "", std::vector<Trait> traits = {}) {
  NodeSummary made{.file = name + ".json",
                   .hostname = name,
                   .machine = "",
                   .started_at = "2026-03-01T12:00:00Z",
                   .verdict = code.empty() ? OverallVerdict::healthy : OverallVerdict::unhealthy,
                   .complete = true};
  if (!code.empty())
    made.diagnoses = {
        {.code = code, .title = "Title of " + code, .severity = Severity::critical, .owner = Owner::network}};
  made.checks = {{.id = "a", .verdict = code.empty() ? Verdict::pass : Verdict::fail},
                 {.id = "b", .verdict = Verdict::pass}};
  made.traits = std::move(traits);
  return made;
}

TEST(Fleet, SaysWhatTheNodesWithADiagnosisHaveInCommonAndTheOthersDoNot) {
  std::vector<NodeSummary> nodes;
  for (int i = 0; i < 20; ++i) {
    const bool broken = i < 5;
    nodes.push_back(node("n" + std::to_string(i), broken ? "dns.resolver.refused" : "",
                         {{"region", "eastus2"},
                          {"resolver", broken || i == 7 ? "10.0.0.4" : "168.63.129.16"},
                          {"subnet", broken ? "10.1.4.0/24" : "10.1.5.0/24"}}));
  }
  const auto fleet = merge_fleet(nodes, {});
  EXPECT_EQ(fleet.unhealthy, 5);
  EXPECT_EQ(fleet.healthy, 15);
  ASSERT_THAT(fleet.diagnoses, SizeIs(1));
  const auto& one = fleet.diagnoses[0];
  EXPECT_THAT(one.nodes, SizeIs(5));
  ASSERT_THAT(one.common, SizeIs(2)) << "what all nodes have tells nothing";
  EXPECT_EQ(in_words(one.common[0], one.nodes.size()), "All 5 have subnet 10.1.4.0/24; of the other 15, none.");
  EXPECT_EQ(in_words(one.common[1], one.nodes.size()), "All 5 have resolver 10.0.0.4; of the other 15, 1.");
}

TEST(Fleet, WithoutOthersOrWithoutADifferenceNothingIsCommon) {
  EXPECT_THAT(
      merge_fleet({node("a", "x", {{"region", "r"}}), node("b", "x", {{"region", "r"}})}, {}).diagnoses[0].common,
      IsEmpty());
  EXPECT_THAT(
      merge_fleet({node("a", "x", {{"region", "r"}}), node("b", "", {{"region", "r"}})}, {}).diagnoses[0].common,
      IsEmpty());
  EXPECT_THAT(
      merge_fleet({node("a", "x", {{"k", "1"}}), node("b", "x", {{"k", "2"}}), node("c")}, {}).diagnoses[0].common,
      IsEmpty());
}

TEST(Fleet, TheNewestReportOfANodeCounts) {
  auto old = node("a", "x");
  old.started_at = "2026-02-01T00:00:00Z";
  const auto fleet = merge_fleet({old, node("a"), node("b")}, {});
  ASSERT_THAT(fleet.nodes, SizeIs(2));
  EXPECT_EQ(fleet.nodes[0].verdict, OverallVerdict::healthy);
  EXPECT_EQ(fleet.nodes[0].older_reports, 1);
  EXPECT_THAT(fleet.diagnoses, IsEmpty());
}

TEST(Fleet, TwoMachinesOfOneNameAreTwoNodesAndAReportWithoutImdsBelongsToTheOneThatIsKnown) {
  auto first = node("ci"), second = node("ci"), blind = node("vm", "imds.blocked"), seen = node("vm");
  first.machine = "m1";
  second.machine = "m2";
  seen.machine = "m3";
  seen.started_at = "2026-02-01T00:00:00Z";
  auto nameless = node("");
  nameless.file = "odd.json";
  const auto fleet = merge_fleet({first, second, blind, seen, nameless}, {});
  std::vector<std::string> names;
  for (const auto& one : fleet.nodes) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("ci (m1)", "ci (m2)", "odd.json", "vm"));
  EXPECT_EQ(fleet.nodes[3].verdict, OverallVerdict::unhealthy);
}

TEST(Fleet, NodesWhoseChecksEndedAlikeShareARow) {
  auto other = node("c", "x");
  other.checks.push_back({.id = "only-here", .verdict = Verdict::inconclusive});
  const auto fleet = merge_fleet({node("a", "x"), node("b", "x"), other, node("d"), node("e"), node("f")}, {});
  const auto matrix = matrix_of(fleet, 10);
  EXPECT_THAT(matrix.checks, ElementsAre("a", "only-here"));
  ASSERT_THAT(matrix.rows, SizeIs(3));
  EXPECT_EQ(matrix.rows[0].verdicts, "p-");
  EXPECT_THAT(matrix.rows[0].nodes, ElementsAre("d", "e", "f"));
  EXPECT_EQ(matrix.rows[1].verdicts, "f-");
  EXPECT_EQ(matrix.rows[2].verdicts, "fi");
  EXPECT_EQ(matrix_of(fleet, 1).checks_left_out, 1);
}

TEST(Fleet, HostileNamesAreTextEverywhere) {
  auto bad = node("\x1b[31m<script>alert(1)</script>\u202e", "x", {{"subnet", "</td><script>"}});
  bad.diagnoses[0].title = "<img src=x onerror=alert(1)>\x1b]0;t\x07";
  const auto fleet = merge_fleet({bad, node("b")}, {{.file = "<b>\x1b", .error = "\x1b[2J"}});
  EXPECT_THAT(render_html(fleet),
              Not(testing::AnyOf(HasSubstr("<script>alert"), HasSubstr("<img"), HasSubstr("\x1b"))));
  EXPECT_THAT(render_text(fleet, {}), Not(testing::AnyOf(HasSubstr("\x1b"), HasSubstr("\u202e"))));
  EXPECT_THAT(render_json(fleet), Not(HasSubstr("\x1b")));
}

TEST(Fleet, TextSaysWhatIsWrongAndFitsTheTerminal) {
  const auto fleet = merge_fleet({node("a", "x", {{"subnet", "10.0.0.0/24"}}), node("b"), node("c")},
                                 {{.file = "bad.json", .error = "byte 3: syntax error"}});
  const auto text = render_text(fleet, {});
  EXPECT_THAT(text, HasSubstr("UNHEALTHY: of 3 nodes, 1 unhealthy; 1 cause found"));
  EXPECT_THAT(text, HasSubstr("It has subnet 10.0.0.0/24; of the other 2, none."));
  EXPECT_THAT(text, HasSubstr("bad.json: byte 3: syntax error"));
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    EXPECT_LE(end - at, 80U);
  }
  EXPECT_THAT(render_text(merge_fleet({node("a"), node("b")}, {}), {}), HasSubstr("HEALTHY: 2 nodes"));
}

}  // namespace
}  // namespace vnetprobe::fleet_test
