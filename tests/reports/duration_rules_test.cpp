#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What shows only over time, or in several connections: idleness, steps of the clock, now and then, smaller segments;
// and what the node tells of itself.
namespace vnetprobe::duration_rules_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Diagnosis* diagnosis(const Report& made, std::string_view code) {
  for (const auto& one : made.diagnoses)
    if (one.code == code) return &one;
  return nullptr;
}

// --- Idle connections
// -------------------------------------------------------------------------------------------------

const std::string stream = "wss://stream.contoso.com/ws";

Report after_idleness(std::optional<WebsocketFailure> failure, bool fresh_works) {
  auto idle = websocket(stream, 101);
  auto& seen = std::get<WebsocketObservation>(idle.seen);
  seen.idle = 4min;
  seen.error = failure;
  auto fresh = websocket(stream, 101);
  if (!fresh_works) std::get<WebsocketObservation>(fresh.seen).error = WebsocketFailure::no_pong;
  return diagnosed({check("target.stream", stream,
                          {dns("stream.contoso.com -> 20.60.0.1"), tcp("20.60.0.1:443"),
                           tls("20.60.0.1:443", "stream.contoso.com"), idle, follow_up(fresh)},
                          Service::user)});
}

TEST(Idleness, IsToldBySilenceAndByAGoodbyeApartAndNeverWithoutAFreshConnection) {
  const auto forgotten = after_idleness(WebsocketFailure::no_pong, true);
  EXPECT_EQ(first_code(forgotten), "tcp.idle_timeout");
  EXPECT_THAT(forgotten.diagnoses[0].explanation, HasSubstr("after 4 minutes without traffic"));
  EXPECT_EQ(first_code(after_idleness(WebsocketFailure::reset, true)), "tcp.idle_timeout");
  const auto closed = after_idleness(WebsocketFailure::closed_early, true);
  EXPECT_EQ(first_code(closed), "websocket.closed_early");
  EXPECT_THAT(closed.diagnoses[0].explanation, HasSubstr("after 4 minutes without traffic"));
  EXPECT_EQ(first_code(after_idleness(WebsocketFailure::no_pong, false)), "websocket.closed_early")
      << "the server answers no ping at all any more";
  EXPECT_EQ(first_code(after_idleness({}, true)), "");
}

// --- Now and then
// -----------------------------------------------------------------------------------------------------

Check busy(int made, int beside) {
  auto silent = tcp_silent("20.9.0.9:443");
  std::get<TcpObservation>(silent.seen).retransmissions = 2;
  std::vector<Observation> seen{dns("a.contoso.com -> 20.9.0.9"), std::move(silent)};
  for (int i = 0; i < 5; ++i) {
    auto again = i < made ? tcp("20.9.0.9:443") : tcp_silent("20.9.0.9:443");
    std::get<TcpObservation>(again.seen).sockets_beside = beside;
    seen.push_back(follow_up(std::move(again)));
  }
  return check("target.a", "tcp://a.contoso.com:443", std::move(seen), Service::user);
}

Check fine() {
  return check("target.b", "tcp://b.contoso.com:443", {dns("b.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")},
               Service::user);
}

TEST(NowAndThen, ConnectionsToOneBusyTargetPointToPortsAndNeverToARule) {
  const auto exhausted = diagnosed({busy(2, 300), fine()});
  EXPECT_EQ(first_code(exhausted), "tcp.snat_exhausted");
  EXPECT_EQ(exhausted.diagnoses[0].confidence, Confidence::possible);
  EXPECT_EQ(first_code(diagnosed({busy(2, 3), fine()})), "tcp.timeout") << "few connections: not the ports";
  EXPECT_EQ(first_code(diagnosed({busy(2, 300)})), "tcp.timeout") << "nothing else answers either";
  EXPECT_EQ(first_code(diagnosed({busy(0, 300), fine()})), "tcp.dropped_remote") << "every one is dropped: a rule";
}

TEST(Segments, ThatShrankAreANote) {
  auto connection = tcp("20.1.1.1:443");
  std::get<TcpObservation>(connection.seen).mss_after = 1208;
  const auto made = diagnosed(
      {check("target.b", "tcp://b.contoso.com:443", {dns("b.contoso.com -> 20.1.1.1"), connection}, Service::user)});
  EXPECT_THAT(codes(made), IsEmpty());
  ASSERT_TRUE(diagnosis(made, "mtu.reduced"));
  EXPECT_THAT(diagnosis(made, "mtu.reduced")->title, HasSubstr("b.contoso.com"));
  EXPECT_EQ(check_of(made, "target.b").verdict, Verdict::pass);
  EXPECT_FALSE(diagnosis(diagnosed({fine()}), "mtu.reduced"));
}

// --- The clock
// --------------------------------------------------------------------------------------------------------

Report run_of(std::chrono::milliseconds by_the_clock, std::chrono::milliseconds in_truth) {
  auto made =
      report({check("node.clock", "", {host({.topic = HostTopic::clock, .clock = ClockFacts{.synchronised = true}})})});
  made.started_at = std::chrono::sys_days{std::chrono::year{2026} / 3 / 15} + 1h;
  made.finished_at = made.started_at + by_the_clock;
  made.duration = in_truth;
  return diagnosed(std::move(made));
}

TEST(Clock, AStepDuringTheRunIsANote) {
  for (const auto by_the_clock : {-3600s, 0s, 65s}) {
    const auto made = run_of(by_the_clock, 5s);
    EXPECT_THAT(codes(made), IsEmpty());
    EXPECT_TRUE(diagnosis(made, "clock.stepping")) << by_the_clock.count();
  }
  for (const auto by_the_clock : {4500ms, 5000ms, 6500ms})
    EXPECT_FALSE(diagnosis(run_of(by_the_clock, 5s), "clock.stepping")) << by_the_clock.count();
  EXPECT_THAT(diagnosis(run_of(-3600s, 5s), "clock.stepping")->evidence[0].says, HasSubstr("backwards"));
}

// --- The node
// ---------------------------------------------------------------------------------------------------------

Check metadata(std::optional<bool> has_identity) {
  return check("node.imds", "",
               {{.seen = ImdsObservation{.url = "http://169.254.169.254/metadata/instance",
                                         .remote = at("169.254.169.254:80"),
                                         .status = 200,
                                         .has_identity = has_identity},
                 .follow_up = {}}});
}

TEST(Identity, IsMissedOnlyWhenTheServiceSaysSo) {
  const auto none = diagnosed({metadata(false)});
  EXPECT_THAT(codes(none), IsEmpty());
  EXPECT_TRUE(diagnosis(none, "imds.no_identity"));
  EXPECT_FALSE(diagnosis(diagnosed({metadata(true)}), "imds.no_identity"));
  EXPECT_FALSE(diagnosis(diagnosed({metadata(std::nullopt)}), "imds.no_identity"));
}

Check restarted(std::optional<std::uint64_t> times, std::optional<std::uint64_t> seconds_ago) {
  AzureAgents agents;
  agents.units.push_back({.unit = "walinuxagent.service",
                          .enabled_by = "/etc/x.wants/walinuxagent.service",
                          .running = true,
                          .restarts = times,
                          .running_seconds = seconds_ago});
  return check("node.os", "", {host({.topic = HostTopic::agents, .agents = agents})});
}

TEST(HostAgents, RestartsAreToldWhenTheyAreManyAndGoOn) {
  const auto again_and_again = diagnosed({restarted(17, 12)});
  EXPECT_THAT(codes(again_and_again), ElementsAre("host.agent_restarting"));
  EXPECT_THAT(again_and_again.diagnoses[0].evidence[0].says, HasSubstr("17 times"));
  EXPECT_THAT(codes(diagnosed({restarted(17, 86400)})), IsEmpty()) << "it runs since yesterday";
  EXPECT_THAT(codes(diagnosed({restarted(1, 12)})), IsEmpty()) << "one update";
  EXPECT_THAT(codes(diagnosed({restarted({}, {})})), IsEmpty());
}

Check inbound(FilterRuling ruling, bool required = true) {
  auto made = check("inbound.44224", "tcp://10.0.0.5:44224",
                    {host({.topic = HostTopic::listeners, .listeners = {{.endpoint = at("0.0.0.0:44224")}}}),
                     host({.topic = HostTopic::input_filter,
                           .input_filter = FilterVerdict{.ruling = ruling, .rule = "inet filter input handle 7"}})});
  made.required = required;
  return made;
}

TEST(InputFilter, OnlyARuleThatIsUnderstoodStopsAConnection) {
  const auto dropped = diagnosed({inbound(FilterRuling::drops)});
  EXPECT_THAT(codes(dropped), ElementsAre("host.firewall.input_drop"));
  EXPECT_THAT(dropped.diagnoses[0].evidence[0].says, HasSubstr("inet filter input handle 7"));
  EXPECT_THAT(codes(diagnosed({inbound(FilterRuling::rejects)})), ElementsAre("host.firewall.input_drop"));
  EXPECT_THAT(codes(diagnosed({inbound(FilterRuling::drops, false)})), IsEmpty()) << "nobody needs the port";
  EXPECT_THAT(codes(diagnosed({inbound(FilterRuling::accepts)})), IsEmpty());
  EXPECT_THAT(codes(diagnosed({inbound(FilterRuling::unknown)})), IsEmpty());
}

// What root may read of the way out.
Check own_firewall(FilterRuling ruling) {
  return check("node.firewall", "",
               {host({.topic = HostTopic::output_filter,
                      .output_filter = FilterVerdict{.ruling = ruling, .rule = "inet filter output handle 9"}})});
}

Check silent(std::string remote) {
  return check("target.silent", "tcp://" + remote, {dns("silent.contoso.com -> 20.1.1.9"), tcp_silent(remote)});
}

TEST(OutputFilter, ARuleThatDropsIsTheCauseOfWhatItCanHaveDropped) {
  const auto dropped = diagnosed({own_firewall(FilterRuling::drops), silent("20.1.1.9:443")});
  EXPECT_THAT(codes(dropped), ElementsAre("host.firewall.output_drop"));
  EXPECT_EQ(dropped.diagnoses[0].confidence, Confidence::proven);
  EXPECT_THAT(dropped.diagnoses[0].evidence[0].says, HasSubstr("inet filter output handle 9"));
  EXPECT_THAT(dropped.diagnoses[0].checks, ElementsAre("node.firewall", "target.silent"));
  for (const auto ruling : {FilterRuling::accepts, FilterRuling::unknown})
    EXPECT_NE(first_code(diagnosed({own_firewall(ruling), silent("20.1.1.9:443")})), "host.firewall.output_drop");
  EXPECT_NE(first_code(diagnosed({own_firewall(FilterRuling::drops), silent("20.1.1.9:1433")})),
            "host.firewall.output_drop")
      << "the ruling is about 443";
}

TEST(OutputFilter, ARuleThatBreaksNothingIsNoFault) {
  const auto proxied = diagnosed({own_firewall(FilterRuling::drops)});
  EXPECT_THAT(codes(proxied), IsEmpty());
  EXPECT_EQ(check_of(proxied, "node.firewall").verdict, Verdict::inconclusive);
  EXPECT_EQ(check_of(diagnosed({own_firewall(FilterRuling::accepts)}), "node.firewall").verdict, Verdict::pass);
  EXPECT_EQ(check_of(diagnosed({own_firewall(FilterRuling::unknown)}), "node.firewall").verdict, Verdict::inconclusive);
}

}  // namespace
}  // namespace vnetprobe::duration_rules_test
