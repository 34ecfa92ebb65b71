#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Whose matter a dead way is: the node's, an optional target's, or nobody's.
namespace vnetprobe::route_rules_test {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

Check target(const std::string& host, std::vector<Observation> after_dns, const std::string& address = "20.1.1.1") {
  after_dns.insert(after_dns.begin(), dns(host + " -> " + address));
  return check("target." + host, "tcp://" + host + ":443", std::move(after_dns), Service::user);
}
Check fine() { return target("ok.contoso.com", {tcp("20.9.9.9:443")}, "20.9.9.9"); }

Observation routes(std::vector<RouteFacts> all) { return host({.topic = HostTopic::routes, .routes = std::move(all)}); }
const RouteFacts on_link{.destination = "10.0.0.0/24", .type = "unicast", .interface = "eth0"};
const RouteFacts by_default{.destination = "0.0.0.0/0", .type = "unicast", .gateway = "10.0.0.1", .interface = "eth0"};

Observation dead_gateway(const std::string& remote) {
  auto seen = tcp_failed(remote, TcpFailure::host_unreachable, "EHOSTUNREACH", 3070ms);
  seen.neighbour->state = "FAILED";
  seen.icmp = IcmpError{.offender = "10.0.0.5", .offender_is_self = true, .type = 3, .code = 1};
  return {.seen = seen, .follow_up = {}};
}

// A gateway beside the default one, and an optional target behind it.
TEST(RouteDiagnosis, AnotherGatewayThanTheDefaultOneFailsOnlyWhatLiesBehindIt) {
  auto dead = std::get<TcpObservation>(dead_gateway("10.50.0.9:443").seen);
  dead.route->gateway = dead.neighbour->gateway = "10.0.0.250";
  const RouteFacts second{
      .destination = "10.50.0.0/16", .type = "unicast", .gateway = "10.0.0.250", .interface = "eth0"};
  const auto seen =
      diagnosed({check("node.route", "", {routes({on_link, by_default, second})}),
                 optional(target("partner.local", {{.seen = dead, .follow_up = {}}}, "10.50.0.9")), fine()});
  ASSERT_THAT(codes(seen), ElementsAre("route.gateway_unresolved"));
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::warning);
  EXPECT_EQ(check_of(seen, "node.route").verdict, Verdict::pass);
  EXPECT_EQ(exit_status(seen), 0);
}

// Somebody's own machine, with the agent on it: Azure's platform owes it nothing.
TEST(RouteDiagnosis, WhatThePlatformDoesNotAnswerElsewhereIsNoFault) {
  const std::string imds = "169.254.169.254:80";
  const auto by_router =
      std::get<TcpObservation>(tcp_icmp(imds, 3, 1, "192.168.1.1", TcpFailure::host_unreachable).seen);
  const auto none = std::get<TcpObservation>(tcp_no_route(imds, "none").seen);
  const auto prohibited = std::get<TcpObservation>(tcp_no_route(imds, "prohibit").seen);
  const auto table = check("node.route", "", {routes({on_link})});
  const auto near = target("a.local", {tcp("10.0.0.9:443")}, "10.0.0.9");
  for (const auto& how : {by_router, none, prohibited}) {
    EXPECT_THAT(codes(diagnosed({table, metadata_service(how, false), near})), IsEmpty());
    EXPECT_THAT(codes(diagnosed({table, metadata_service(how, true), near})), testing::SizeIs(1)) << "on Azure";
  }
  const auto beside =
      diagnosed({table, metadata_service(none, false), target("a.com", {tcp_no_route("20.1.1.1:443", "none")})});
  ASSERT_THAT(codes(beside), ElementsAre("route.no_default"));
  EXPECT_EQ(check_of(beside, "node.imds").reason, "route.no_default") << "a witness";
}

// --only leaves the routing table unread: the kernel's own word has to do, and a router's is none.
TEST(RouteDiagnosis, WithoutTheTableTheKernelsWordAboutADnsServerIsEnough) {
  const auto asked = [](std::optional<IcmpError> icmp = {}) {
    auto question = dns("a.com -> unreachable");
    auto& seen = std::get<DnsObservation>(question.seen);
    seen.errno_name = "ENETUNREACH";
    seen.icmp = std::move(icmp);
    return check("target.a.com", "tcp://a.com:443", {question, question}, Service::user);
  };
  EXPECT_THAT(codes(diagnosed({asked()})), ElementsAre("route.no_default"));
  EXPECT_THAT(codes(diagnosed({asked(IcmpError{.offender = "10.0.0.1", .type = 3, .code = 0})})),
              ElementsAre("route.unreachable_reported"));
  EXPECT_THAT(codes(diagnosed({check("node.route", "", {routes({on_link, by_default})}), asked()})),
              ElementsAre("dns.resolver.unreachable"));
}

TEST(RouteDiagnosis, ADeadGatewayFailsTheRouteAndSkipsTheRest) {
  const auto seen = diagnosed({check("node.route", "", {routes({on_link, by_default})}),
                               target("a.com", {dead_gateway("20.1.1.1:443")}),
                               check("target.b", "https://b.com", {dns("b.com -> timeout"), dns("b.com -> timeout")})});
  ASSERT_THAT(codes(seen), ElementsAre("route.gateway_unresolved"));
  EXPECT_EQ(check_of(seen, "node.route").verdict, Verdict::fail);
  EXPECT_EQ(check_of(seen, "target.b").verdict, Verdict::skip);
}

}  // namespace
}  // namespace vnetprobe::route_rules_test
