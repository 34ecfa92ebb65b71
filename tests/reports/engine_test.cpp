#include "reports/diagnosis/placeholders.hpp"
#include "reports/diagnosis/rule.hpp"
#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace vnetprobe::engine_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Check refused_check(std::string id, std::string host) {
  return check(std::move(id), "https://" + host + "/", {dns(host + " -> 20.60.0.1"), tcp_refused("20.60.0.1:443")});
}

TEST(Engine, AnEmptyReportIsInconclusiveAndDoesNotCrash) {
  const auto seen = diagnosed(Report{});
  EXPECT_EQ(seen.verdict, OverallVerdict::inconclusive);
  EXPECT_THAT(seen.diagnoses, IsEmpty());
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(Engine, OneCauseOfManyFailuresIsOneDiagnosisAndTheRestIsSkipped) {
  std::vector<Check> checks{
      check("node.resolver/10.0.0.10", "",
            {dns("management.azure.com -> timeout"), dns_tcp("management.azure.com -> timeout")})};
  for (int i = 0; i < 12; ++i) {
    const auto host = "host" + std::to_string(i) + ".contoso.com";
    checks.push_back(check("target." + std::to_string(i), "https://" + host,
                           {libc(host + " -> timeout"), dns(host + " -> timeout"),
                            dns(host + " -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA")}));
  }
  const auto seen = diagnosed(checks);
  ASSERT_THAT(codes(seen), ElementsAre("dns.resolver.unreachable"));
  EXPECT_EQ(seen.diagnoses[0].checks.size(), 13u);
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::critical);
  EXPECT_EQ(check_of(seen, "node.resolver/10.0.0.10").verdict, Verdict::fail);
  EXPECT_EQ(check_of(seen, "target.7").verdict, Verdict::skip);
  EXPECT_EQ(check_of(seen, "target.7").reason, "dns.resolver.unreachable");
  EXPECT_THAT(check_of(seen, "target.7").diagnoses, ElementsAre("dns.resolver.unreachable"));
  EXPECT_EQ(seen.verdict, OverallVerdict::unhealthy);
  EXPECT_EQ(exit_status(seen), 1);
  EXPECT_EQ(seen.summary.fail, 1);
  EXPECT_EQ(seen.summary.skip, 12);
}

TEST(Engine, WithoutThePrerequisiteInThePlanItsDependantsFailThemselves) {
  const auto seen = diagnosed({check(
      "target.a", "https://a.contoso.com",
      {dns("a.contoso.com -> timeout"), dns("a.contoso.com -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA")})});
  EXPECT_EQ(check_of(seen, "target.a").verdict, Verdict::fail);
  EXPECT_EQ(exit_status(seen), 1);
}

TEST(Engine, AnOptionalPrerequisiteThatBlocksARequiredCheckIsStillCritical) {
  const auto seen =
      diagnosed({optional(check("node.resolver/10.0.0.10", "", {dns("a -> timeout"), dns("a -> timeout")})),
                 check("target.a", "https://a.contoso.com", {dns("a.contoso.com -> timeout")})});
  ASSERT_EQ(seen.diagnoses.size(), 1u);
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::critical);
  EXPECT_EQ(seen.verdict, OverallVerdict::unhealthy);
  EXPECT_EQ(exit_status(seen), 1);
}

TEST(Engine, IndependentFaultsAreAllFoundRequiredOnesFirst) {
  const auto seen = diagnosed(
      {optional(check("target.gone", "https://gone.contoso.com", {dns("gone.contoso.com -> NXDOMAIN")})),
       refused_check("target.refused", "db.contoso.com"),
       check("target.fine", "tcp://ok.contoso.com:443", {dns("ok.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")})});
  EXPECT_THAT(codes(seen), ElementsAre("tcp.refused_by_host", "dns.record.nxdomain"));
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::critical);
  EXPECT_EQ(seen.diagnoses[1].severity, Severity::warning);
}

TEST(Engine, AnOptionalFailureAloneDegradesAndExitsWithZero) {
  const auto seen = diagnosed(
      {optional(refused_check("target.a", "a.contoso.com")),
       check("target.fine", "tcp://ok.contoso.com:443", {dns("ok.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")})});
  EXPECT_EQ(seen.verdict, OverallVerdict::degraded);
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(Engine, DiagnosingAgainGivesTheSameReport) {
  auto once = diagnosed({check("node.resolver/10.0.0.10", "", {dns("a -> timeout"), dns("a -> timeout")}),
                         check("target.a", "https://a.contoso.com", {dns("a.contoso.com -> timeout")}),
                         refused_check("target.b", "b.contoso.com")});
  auto twice = once;
  diagnose(twice);
  ASSERT_EQ(once.diagnoses.size(), twice.diagnoses.size());
  for (std::size_t i = 0; i < once.checks.size(); ++i) {
    EXPECT_EQ(once.checks[i].verdict, twice.checks[i].verdict) << once.checks[i].id;
    EXPECT_EQ(once.checks[i].reason, twice.checks[i].reason) << once.checks[i].id;
    EXPECT_EQ(once.checks[i].diagnoses, twice.checks[i].diagnoses) << once.checks[i].id;
  }
  EXPECT_EQ(once.verdict, twice.verdict);
}

TEST(Engine, WhatThePlanLeftOutStaysSkippedAndNeverPasses) {
  auto left_out = check("inbound.44224", "", {});
  left_out.verdict = Verdict::skip;
  left_out.reason = "not applicable because the node has no public IP";
  const auto seen = diagnosed({left_out});
  EXPECT_EQ(seen.checks[0].verdict, Verdict::skip);
  EXPECT_EQ(seen.checks[0].reason, "not applicable because the node has no public IP");
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(Engine, ACheckCutOffByTheDeadlineIsUndecidedAndCountsAgainstTheRun) {
  auto late = report(
      {unfinished(check("target.a", "https://a.contoso.com", {dns("a.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")})),
       check("target.b", "https://b.contoso.com", {})});
  late.complete = false;
  late.interrupted_by = "deadline";
  const auto seen = diagnosed(late);
  for (const auto& one : seen.checks) {
    EXPECT_EQ(one.verdict, Verdict::inconclusive) << one.id;
    EXPECT_EQ(one.reason, "not finished before the deadline (probe.budget_exhausted)") << one.id;
  }
  EXPECT_EQ(seen.verdict, OverallVerdict::inconclusive);
  EXPECT_EQ(exit_status(seen), 1);
}

TEST(Engine, SilenceInACheckThatWasCutOffProvesNothing) {
  const auto seen = diagnosed({unfinished(
      check("target.a", "tcp://a.contoso.com:443", {dns("a.contoso.com -> 20.1.1.1"), tcp_silent("20.1.1.1:443")}))});
  EXPECT_EQ(first_code(seen), "");
  EXPECT_EQ(seen.checks[0].verdict, Verdict::inconclusive);
}

TEST(Engine, ARefusalInACheckThatWasCutOffIsStillAFailure) {
  const auto seen = diagnosed({unfinished(refused_check("target.a", "a.contoso.com"))});
  EXPECT_EQ(first_code(seen), "tcp.refused_by_host");
  EXPECT_EQ(seen.checks[0].verdict, Verdict::fail);
}

TEST(Engine, ARequiredCheckThatThisUserMayNotDecideDoesNotChangeTheExitStatus) {
  auto made = report({check("node.wireserver", "", {})});
  made.checks[0].verdict = Verdict::inconclusive;
  made.checks[0].reason = "needs root";
  const auto seen = diagnosed(made);
  EXPECT_EQ(seen.checks[0].reason, "needs root");
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(Engine, EveryDiagnosisIsCompleteAndItsCommandsSayWhetherTheyAreTemplates) {
  auto made = report({refused_check("target.a", "a.contoso.com"),
                      check("target.b", "https://b.contoso.com", {dns("b.contoso.com -> NXDOMAIN")})});
  made.node.region = Sourced<std::string>{"eastus2", "imds"};
  const auto seen = diagnosed(made);
  ASSERT_EQ(seen.diagnoses.size(), 2u);
  for (const auto& diagnosis : seen.diagnoses) {
    EXPECT_EQ(diagnosis.title.find('{'), std::string::npos) << diagnosis.title;
    EXPECT_EQ(diagnosis.title.find('<'), std::string::npos) << diagnosis.title;
    EXPECT_FALSE(diagnosis.evidence.empty());
    EXPECT_FALSE(diagnosis.fix.empty());
    for (const auto& fix : diagnosis.fix)
      EXPECT_EQ(fix.is_template, fix.command.find('<') != std::string::npos) << fix.command;
    for (const auto& evidence : diagnosis.evidence) {
      const auto& about = check_of(seen, evidence.check);
      EXPECT_LT(evidence.observation, static_cast<int>(about.observations.size()));
      EXPECT_FALSE(evidence.says.empty());
    }
  }
}

TEST(Engine, ReportsWithNonsenseInThemAreJudgedWithoutACrash) {
  Check odd = check("odd", "https://odd.contoso.com",
                    {dns(" -> "), dns("x -> loop"), libc("-> NXDOMAIN"), tcp("not an address:443"), tcp_silent(":0")});
  odd.observations.push_back({.seen = HostObservation{.topic = HostTopic::routes}, .follow_up = {}});
  odd.observations.push_back({.seen = HostObservation{.topic = HostTopic::resolvers}, .follow_up = {}});
  odd.observations.push_back(
      {.seen = HostObservation{.topic = HostTopic::disk, .disks = {{.path = "/", .bytes_total = 1}}}, .follow_up = {}});
  odd.observations.push_back({.seen = WebsocketObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = TlsObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = ImdsObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = HttpObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = ProxyObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = TcpObservation{}, .follow_up = {}});
  odd.observations.push_back({.seen = DnsObservation{}, .follow_up = "nothing"});
  Check same_name = odd;
  auto made = report({odd, same_name, Check{}});
  made.node.addresses = {{.value = "", .interface = "", .source = ""},
                         {.value = "10.0.0.5/999", .interface = "x", .source = ""}};
  const auto seen = diagnosed(made);
  EXPECT_EQ(seen.checks.size(), 3u);
  for (const auto& one : seen.checks) (void)next_questions(one);
  for (const auto& diagnosis : seen.diagnoses) EXPECT_NE(find_code(diagnosis.code), nullptr) << diagnosis.code;
}

TEST(Engine, TenThousandFailingChecksAreJudgedEachByItsOwnCause) {
  std::vector<Check> checks;
  for (int i = 0; i < 10000; ++i) {
    const auto host = "host" + std::to_string(i) + ".contoso.com";
    const auto id = "target." + std::to_string(i);
    switch (i % 4) {
      case 0:
        checks.push_back(refused_check(id, host));
        break;
      case 1:
        checks.push_back(check(id, "https://" + host, {dns(host + " -> NXDOMAIN")}));
        break;
      case 2:
        checks.push_back(check(id, "https://" + host, {dns(host + " -> SERVFAIL")}));
        break;
      default:
        checks.push_back(check(id, "https://" + host, {dns(host + " -> 20.60.0.1"), tcp_silent("20.60.0.1:443")}));
    }
  }
  const auto seen = diagnosed(std::move(checks));
  EXPECT_EQ(seen.summary.fail, 10000);
  EXPECT_EQ(seen.diagnoses.size(), 7501u);
}

TEST(Rules, StandInTheOrderFromTheNodeOutwards) {
  const auto place = [](std::string_view name) {
    const auto all = rules_in_order();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].name == name) return i;
    ADD_FAILURE() << "no rule is called " << name;
    return std::numeric_limits<std::size_t>::max();
  };
  EXPECT_LT(place("disk is full"), place("no default route"));
  EXPECT_LT(place("no default route"), place("resolver is unreachable"));
  EXPECT_LT(place("resolver is unreachable"), place("name does not exist"));
  EXPECT_LT(place("name does not exist"), place("answer is public"));
  EXPECT_LT(place("endpoint is unreachable"), place("nothing answers"));
  EXPECT_LT(place("nothing public answers"), place("nothing answers"));
  EXPECT_LT(place("local firewall rejects"), place("device rejects"));
  EXPECT_LT(place("device rejects"), place("host refuses"));
}

TEST(Placeholders, AreFilledAndUnknownOnesAreMarked) {
  const Values values{{"host", "a.contoso.com"}, {"host", "second"}, {"empty", ""}};
  const auto filled = fill("dig {host} {empty|nothing} {zone} ${HOME} --query \"{a:b}\" {", values);
  EXPECT_EQ(filled.text, "dig a.contoso.com nothing <zone> ${HOME} --query \"{a:b}\" {");
  EXPECT_FALSE(filled.complete);
  EXPECT_TRUE(fill("{host}", values).complete);
}

std::vector<FollowUpKind> questions(const Check& made) {
  std::vector<FollowUpKind> kinds;
  for (const auto& question : next_questions(made)) {
    EXPECT_FALSE(question.because.empty());
    kinds.push_back(question.kind);
  }
  return kinds;
}

TEST(FollowUps, AreAskedWhenTheySeparateSomethingAndOnlyOnce) {
  const auto host = "https://a.blob.core.windows.net";
  const auto name = std::string("a.blob.core.windows.net");
  EXPECT_THAT(
      questions(check("c", host, {libc(name + " -> 20.60.0.1"), dns(name + " -> 20.60.0.1"), tcp("20.60.0.1:443")})),
      IsEmpty());
  EXPECT_THAT(
      questions(check("c", host,
                      {dns(name + " -> timeout"), dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA")})),
      ElementsAre(FollowUpKind::dns_tcp_same_server));
  EXPECT_THAT(questions(check("c", host, {dns(name + " -> timeout"), follow_up(dns_tcp(name + " -> timeout"))})),
              IsEmpty());
  EXPECT_THAT(questions(check("c", host, {dns(name + " -> truncated")})),
              ElementsAre(FollowUpKind::dns_tcp_same_server));
  EXPECT_THAT(questions(check("c", host, {libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN")})),
              ElementsAre(FollowUpKind::dns_azure, FollowUpKind::dns_with_search));
  EXPECT_THAT(questions(check("c", host, {dns(name + " -> NXDOMAIN")})), IsEmpty())
      << "the resolvers were chosen by hand";
  EXPECT_THAT(questions(check("c", host, {libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN", "168.63.129.16")})),
              ElementsAre(FollowUpKind::dns_with_search));
  auto searched = follow_up(libc(name + " -> NXDOMAIN"));
  std::get<DnsObservation>(searched.seen).with_search = true;
  EXPECT_THAT(
      questions(check("c", host, {libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN", "168.63.129.16"), searched})),
      IsEmpty());
  EXPECT_THAT(questions(expects_private(check("c", host, {libc(name + " -> 20.60.0.1"), dns(name + " -> 20.60.0.1")}))),
              ElementsAre(FollowUpKind::dns_azure));
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {websocket("wss://a.contoso.com/", 200)})),
              ElementsAre(FollowUpKind::http_without_upgrade, FollowUpKind::websocket_other_spelling));
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {websocket("wss://a.contoso.com/", 401)})), IsEmpty());
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {websocket("wss://a.contoso.com/", 101)})), IsEmpty());
  EXPECT_THAT(questions(check("c", host, {tcp("10.0.9.9:3128"), proxy_connect("a:443", 403)})),
              ElementsAre(FollowUpKind::as_browser, FollowUpKind::tls_direct));
  EXPECT_THAT(questions(check("c", host, {tcp("10.0.9.9:3128"), proxy_connect("a:443", 502)})),
              ElementsAre(FollowUpKind::tls_direct));
  auto browser = follow_up(proxy_connect("a:443", 403));
  std::get<ProxyObservation>(browser.seen).user_agent = "Mozilla/5.0";
  EXPECT_THAT(questions(check("c", host, {tcp("10.0.9.9:3128"), proxy_connect("a:443", 403), browser})),
              ElementsAre(FollowUpKind::tls_direct));
  EXPECT_THAT(questions(check("c", host, {proxy_connect("a:443", 200), tls("10.0.9.9:3128", name)})), IsEmpty());
  EXPECT_THAT(questions(Check{}), IsEmpty());
}

TEST(FollowUps, SilenceIsTriedAgainWithSeveralConnectionsAndOnlyOnce) {
  const std::vector silent{dns("a.contoso.com -> 20.9.0.9"), tcp_silent("20.9.0.9:443")};
  const auto made = check("target.a", "tcp://a.contoso.com:443", silent);
  EXPECT_THAT(questions(made), Contains(FollowUpKind::tcp_again));
  auto again = made;
  again.observations.push_back(follow_up(tcp_silent("20.9.0.9:443")));
  EXPECT_THAT(questions(again), Not(Contains(FollowUpKind::tcp_again)));
}

TEST(FollowUps, AWebsocketThatDiedOfSilenceIsComparedWithAFreshOne) {
  auto dead = websocket("wss://a.contoso.com/", 101);
  auto& seen = std::get<WebsocketObservation>(dead.seen);
  seen.idle = 5min;
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {dead})), IsEmpty()) << "it lives";
  seen.error = WebsocketFailure::no_pong;
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {dead})), ElementsAre(FollowUpKind::same_again));
  EXPECT_THAT(questions(check("c", "wss://a.contoso.com/", {dead, follow_up(websocket("wss://a.contoso.com/", 101))})),
              IsEmpty());
}

}  // namespace
}  // namespace vnetprobe::engine_test
