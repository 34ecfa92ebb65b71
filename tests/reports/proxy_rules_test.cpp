#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// A proxy on the way: what it does itself, and what lies behind it.
namespace vnetprobe::proxy_rules_test {
namespace {

using namespace test;

struct Case {
  const char* situation;
  Report seen;
  std::vector<std::string> expected;  // codes above info, most important first
};

const std::string arm = "management.azure.com";
const std::string studio = "ml.azure.com";

Check through_proxy(std::vector<Observation> seen, const std::string& host = arm,
                    std::string proxy = "http://10.0.9.9:3128") {
  auto made = check("tag." + host, "https://" + host + "/", std::move(seen), Service::resource_manager);
  made.proxy = std::move(proxy);
  return made;
}

Report connected_with(int status, Headers headers = {}) {
  return report({through_proxy({tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", status, std::move(headers))})});
}

TEST(ProxyRules, TheProxyIsToldFromTheTarget) {
  auto named = through_proxy({dns("proxy.contoso.local -> NXDOMAIN")}, arm, "http://proxy.contoso.local:3128");
  auto late = proxy_connect(arm + ":443", 0);
  std::get<ProxyObservation>(late.seen).error = ProxyFailure::timed_out;
  const std::vector<Case> cases{
      {"silent", report({through_proxy({tcp_silent("10.0.9.9:3128")})}), {"proxy.unreachable"}},
      {"refuses connections", report({through_proxy({tcp_refused("10.0.9.9:3128")})}), {"proxy.unreachable"}},
      {"no router finds it",
       report({through_proxy({tcp_icmp("10.0.9.9:3128", 3, 1, "10.0.2.1", TcpFailure::host_unreachable)})}),
       {"proxy.unreachable"}},
      {"its own host rejects",
       report({through_proxy({tcp_icmp("10.0.9.9:3128", 3, 3, "10.0.9.9")})}),
       {"proxy.unreachable"}},
      {"a device rejects",
       report({through_proxy({tcp_icmp("10.0.9.9:3128", 3, 13, "10.0.2.1")})}),
       {"tcp.refused_by_middlebox"}},
      {"this node rejects",
       report({through_proxy({tcp_icmp("10.0.9.9:3128", 3, 3, "self")})}),
       {"tcp.refused_locally"}},
      {"is on this node, where nobody listens",
       report({through_proxy({tcp_icmp("127.0.0.1:3128", 3, 3, "self")}, arm, "http://127.0.0.1:3128")}),
       {"proxy.unreachable"}},
      {"has no address", report({named}), {"proxy.unreachable"}},
      {"wants credentials", connected_with(407), {"proxy.auth_required"}},
      {"denies the destination", connected_with(403), {"proxy.connect_denied"}},
      {"denies the method", connected_with(405), {"proxy.connect_denied"}},
      {"cannot resolve", connected_with(503, {{"X-Squid-Error", "ERR_DNS_FAIL 0"}}), {"proxy.dns_failed"}},
      {"cannot resolve, in a Go program's words",
       connected_with(502, {{"X-Reason", "dial tcp: lookup management.azure.com: no such host"}}),
       {"proxy.dns_failed"}},
      {"cannot get out", connected_with(504), {"proxy.connect_timeout"}},
      {"does not answer CONNECT", report({through_proxy({tcp("10.0.9.9:3128"), late})}), {"proxy.connect_timeout"}},
      {"works",
       report({through_proxy(
           {tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 200), tls("10.0.9.9:3128", arm),
            http("https://" + arm + "/", 401, {{"x-ms-request-id", "1"}, {"WWW-Authenticate", "Bearer"}})})}),
       {}},
  };
  for (const auto& one : cases) EXPECT_EQ(codes(diagnosed(one.seen)), one.expected) << one.situation;
}

// A name that need not exist: the proxy says no more than that it gets nowhere, and the node's servers do not know it.
TEST(ProxyRules, WhatNeedNotExistIsNoFaultOfTheProxys) {
  const auto asked = [](int status, std::vector<Observation> more, bool guessed) {
    std::vector<Observation> seen{tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", status)};
    for (auto& one : more) seen.push_back(follow_up(std::move(one)));
    auto made = through_proxy(std::move(seen));
    made.target.guessed = guessed;
    made.required = true;
    return report({made});
  };
  const auto unknown = dns(arm + " -> NXDOMAIN"), known = dns(arm + " -> 20.1.1.1");
  const std::vector<Case> cases{
      {"nobody finds it", asked(503, {unknown}, true), {}},
      {"nobody else was asked", asked(500, {}, true), {}},
      {"it exists", asked(503, {known}, true), {"proxy.connect_timeout"}},
      {"the proxy denies it", asked(403, {unknown}, true), {"proxy.connect_denied"}},
      {"it ought to exist", asked(503, {unknown}, false), {"proxy.connect_timeout"}},
  };
  for (const auto& one : cases) {
    const auto seen = diagnosed(one.seen);
    EXPECT_EQ(codes(seen), one.expected) << one.situation;
    EXPECT_EQ(exit_status(seen), one.expected.empty() ? 0 : 1) << one.situation;
  }
}

// The proxy tells of a refusal; what its own attempt and the direct one show together.
TEST(ProxyRules, ADestinationThatRefusesBothWaysIsNotTheProxysFault) {
  const auto behind = [](std::string page, std::vector<Observation> directly) {
    auto tunnel = proxy_connect(arm + ":443", 502);
    std::get<ProxyObservation>(tunnel.seen).body_excerpt = std::move(page);
    std::vector<Observation> seen{tcp("10.0.9.9:3128"), std::move(tunnel)};
    for (auto& one : directly) seen.push_back(follow_up(std::move(one)));
    return report({through_proxy(std::move(seen))});
  };
  const std::string refusal = "Cannot connect: [Errno 111] Connect call failed ('20.62.129.10', 443)";
  const auto prohibited = [] {
    auto seen = tcp_refused("20.62.129.10:443");
    std::get<TcpObservation>(seen.seen).icmp = IcmpError{.offender = "10.0.0.1", .type = 3, .code = 13};
    return seen;
  };
  const std::vector<Case> cases{
      {"both", behind(refusal, {tcp_refused("20.62.129.10:443")}), {"tcp.refused_by_host"}},
      {"directly nothing comes back", behind(refusal, {tcp_silent("20.62.129.10:443")}), {"proxy.connect_timeout"}},
      {"a router refuses the direct way", behind(refusal, {prohibited()}), {"proxy.connect_timeout"}},
      {"the proxy waits in vain",
       behind("Gateway Timeout", {tcp_refused("20.62.129.10:443")}),
       {"proxy.connect_timeout"}},
      {"it answers directly", behind(refusal, {tcp("20.62.129.10:443")}), {"proxy.connect_timeout"}},
  };
  for (const auto& one : cases) EXPECT_EQ(codes(diagnosed(one.seen)), one.expected) << one.situation;
}

TEST(ProxyRules, OneGatewayErrorThatPassesIsANote) {
  const auto asked_again = [](std::vector<Observation> again) {
    std::vector<Observation> seen{tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 502)};
    for (auto& one : again) seen.push_back(follow_up(std::move(one), "does it again?"));
    return report({through_proxy(std::move(seen))});
  };
  const auto made =
      diagnosed(asked_again({tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 200), tls("10.0.9.9:3128", arm)}));
  EXPECT_THAT(codes(made), testing::IsEmpty());
  EXPECT_EQ(made.diagnoses.front().code, "proxy.connect_timeout");
  EXPECT_EQ(made.verdict, OverallVerdict::healthy);
  EXPECT_EQ(check_of(made, "tag." + arm).verdict, Verdict::pass);
  EXPECT_EQ(first_code(diagnosed(asked_again({tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 502)}))),
            "proxy.connect_timeout");
  EXPECT_EQ(first_code(diagnosed(asked_again({tcp("10.0.9.9:3128"), proxy_connect("20.62.129.10:443", 200)}))),
            "proxy.dns_failed")
      << "by its address";
}

TEST(ProxyRules, AGatewayErrorIsAskedAgainWhereOthersPass) {
  const auto refused = through_proxy({tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 502)});
  const auto passes = through_proxy({tcp("10.0.9.9:3128"), proxy_connect(studio + ":443", 200)}, studio);
  const auto asks = [](const std::vector<Check>& checks) {
    return std::ranges::any_of(cross_questions(checks), [](const CrossQuestion& one) {
      return one.check == 0 && one.question.kind == FollowUpKind::same_again;
    });
  };
  EXPECT_TRUE(asks({refused, passes}));
  EXPECT_FALSE(asks({refused})) << "nothing passes: it has no way out";
  EXPECT_FALSE(asks({through_proxy({tcp("10.0.9.9:3128"), proxy_connect(arm + ":443", 403)}), passes}));
}

TEST(ProxyRules, OneProxysRefusalsAreOneDiagnosis) {
  const auto denied = [](const std::string& host) {
    return through_proxy({tcp("10.0.9.9:3128"), proxy_connect(host + ":443", 403)}, host);
  };
  const auto made = diagnosed({denied(arm), denied(studio)});
  ASSERT_EQ(codes(made), std::vector<std::string>{"proxy.connect_denied"});
  EXPECT_EQ(made.diagnoses.front().checks.size(), 2U);
  EXPECT_THAT(made.diagnoses.front().title, testing::HasSubstr("10.0.9.9:3128"));
}

Observation as_browser(Observation seen) {
  seen.follow_up = "does it refuse a browser too?";
  if (auto* tunnel = std::get_if<ProxyObservation>(&seen.seen)) tunnel->user_agent = "Mozilla/5.0";
  if (auto* answer = std::get_if<HttpObservation>(&seen.seen)) answer->user_agent = "Mozilla/5.0";
  return seen;
}

TEST(UserAgent, AProxyThatLetsABrowserThroughMindsWhoAsksAndNotWhere) {
  const auto refused = [](std::string host) { return proxy_connect(host + ":443", 403); };
  const auto asked = [&](std::string host, int browser) {
    return through_proxy({tcp("10.0.9.9:3128"), refused(host), as_browser(proxy_connect(host + ":443", browser))},
                         host);
  };
  EXPECT_THAT(codes(diagnosed({asked("a.example.com", 200),
                               through_proxy({tcp("10.0.9.9:3128"), refused("b.example.com")}, "b.example.com")})),
              testing::ElementsAre("http.user_agent_filtered"))
      << "one that was tried speaks for the other of the same proxy";
  EXPECT_THAT(codes(diagnosed({asked("a.example.com", 403)})), testing::ElementsAre("proxy.connect_denied"));
  EXPECT_THAT(codes(diagnosed({asked("a.example.com", 200), asked("b.example.com", 403)})),
              testing::UnorderedElementsAre("http.user_agent_filtered", "proxy.connect_denied"));
}

TEST(UserAgent, ARefusalInBetweenThatABrowserDoesNotGet) {
  const Headers squid{{"Via", "1.1 proxy.contoso.com (squid/5.7)"}, {"X-Squid-Error", "ERR_ACCESS_DENIED 0"}};
  const std::string url = "https://mcr.microsoft.com/v2/";
  const auto seen = [&](int browser) {
    return check("tag.MicrosoftContainerRegistry", url,
                 {tcp("20.62.129.10:443"), tls("20.62.129.10:443", "mcr.microsoft.com"), http(url, 403, squid),
                  as_browser(http(url, browser, squid))},
                 Service::microsoft_registry);
  };
  EXPECT_EQ(first_code(diagnosed({seen(401)})), "http.user_agent_filtered");
  EXPECT_EQ(first_code(diagnosed({seen(403)})), "http.proxy_denied");
}

}  // namespace
}  // namespace vnetprobe::proxy_rules_test
