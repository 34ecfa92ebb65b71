#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// One cause is one diagnosis with its victims under it, and odd networks that work are blamed for nothing. Every case
// here was a scenario of tests/lab first.
namespace vnetprobe::one_cause_test {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using Codes = std::vector<std::string>;

Check service(std::string id, const std::string& host, std::vector<Observation> after_dns,
              std::string_view address = "20.1.1.1", Service kind = Service::user) {
  after_dns.insert(after_dns.begin(), dns(host + " -> " + std::string(address)));
  return check(std::move(id), "https://" + host + "/", std::move(after_dns), kind);
}

Check fine() {
  return service("target.fine", "ok.example",
                 {tcp("20.9.9.9:443"), tls("20.9.9.9:443", "ok.example"), http("https://ok.example/", 200)},
                 "20.9.9.9");
}

NodeResolver stub_of_node() { return {.value = "127.0.0.53", .stub = true, .source = "/etc/resolv.conf:1"}; }

Report behind_a_stub(std::string_view by_stub, std::string_view by_upstream, Observation connection,
                     bool private_is_planned = false) {
  const std::string host = "acct.blob.core.windows.net -> ";
  auto blob = check("storage.blob/acct", "https://acct.blob.core.windows.net/",
                    {libc(host + std::string(by_stub)), dns(host + std::string(by_stub), "127.0.0.53"),
                     dns(host + std::string(by_upstream), "168.63.129.16"), std::move(connection)});
  auto made = report({private_is_planned ? expects_private(blob) : blob, fine()});
  made.node.resolvers.insert(made.node.resolvers.begin(), stub_of_node());
  return made;
}

TEST(OneCause, AStaleCacheIsBlamedOnlyForAnAddressThatFails) {
  EXPECT_EQ(codes(diagnosed(behind_a_stub("10.0.1.9", "10.0.1.10", tcp_silent("10.0.1.9:443")))),
            Codes{"dns.cache.stale"});
  EXPECT_EQ(codes(diagnosed(behind_a_stub("20.60.0.9", "10.0.1.10", tcp("20.60.0.9:443"), true))),
            Codes{"dns.cache.stale"});
  EXPECT_THAT(codes(diagnosed(behind_a_stub("20.60.0.9", "10.0.1.10", tcp("20.60.0.9:443")))), IsEmpty())
      << "the public side works, and nobody planned another";
  EXPECT_THAT(codes(diagnosed(behind_a_stub("10.0.1.9", "10.0.1.10", tcp("10.0.1.9:443")))), IsEmpty())
      << "round robin";
  EXPECT_THAT(codes(diagnosed(behind_a_stub("10.0.1.9", "10.0.1.9", tcp("10.0.1.9:443")))), IsEmpty());
}

TEST(OneCause, TwoServersThatDisagreeDoSoAboutManyNames) {
  const auto two = [](const std::string& id, const std::string& host) {
    return expects_private(check(
        id, "https://" + host + "/",
        {dns(host + " -> 20.60.0.1", "10.0.0.10"), dns(host + " -> 10.0.1.5", "10.0.0.11"), tcp("20.60.0.1:443")}));
  };
  const auto made =
      diagnosed({two("storage.blob/a", "a.blob.core.windows.net"), two("storage.blob/b", "b.blob.core.windows.net")});
  ASSERT_EQ(codes(made), Codes{"dns.resolver.inconsistent"});
  EXPECT_THAT(made.diagnoses.front().checks, SizeIs(2));
}

TEST(OneCause, AServerThatIsSlowerThanThisAgentIsSlowAndNotDead) {
  const std::string host = "ok.example -> ";
  const auto late = check("target.ok", "https://ok.example/",
                          {libc(host + "20.9.9.9"), dns(host + "timeout"), dns(host + "timeout"), tcp("20.9.9.9:443"),
                           tls("20.9.9.9:443", "ok.example"), http("https://ok.example/", 200)},
                          Service::user);
  const auto own = check("node.resolver/10.0.0.10", "", {dns("a -> timeout"), follow_up(dns_tcp("a -> timeout"))});
  const auto made = diagnosed({own, late});
  EXPECT_THAT(codes(made), IsEmpty()) << "programs get their addresses";
  ASSERT_THAT(made.diagnoses, SizeIs(1));
  EXPECT_EQ(made.diagnoses.front().code, "dns.resolver.slow");
  EXPECT_EQ(check_of(made, own.id).verdict, Verdict::pass);
  EXPECT_EQ(made.verdict, OverallVerdict::healthy);
  const auto gives_up = diagnosed(
      {own, late,
       check("target.lost", "https://lost.example/",
             {libc("lost.example -> timeout"), dns("lost.example -> timeout"), dns("lost.example -> timeout")})});
  EXPECT_THAT(codes(gives_up), UnorderedElementsAre("dns.resolver.no_answer_for_name", "dns.resolver.slow"))
      << "programs get nothing for one name";
}

TEST(OneCause, ANodeWithoutAResolverHasNoDeadServer) {
  auto failed = libc("ok.example -> timeout");
  std::get<DnsObservation>(failed.seen).error = DnsFailure::libc_error;
  auto made = report({check("target.ok", "https://ok.example/", {failed})});
  made.node.resolvers.clear();
  EXPECT_EQ(codes(diagnosed(made)), Codes{"dns.no_resolver"});
}

TEST(OneCause, SilenceOverTcpAboutANameThatIsSilentAnywaySaysNothingAboutTcp) {
  const auto made = diagnosed({check("target.lost", "tcp://lost.example:1433",
                                     {dns("lost.example -> timeout"), dns("lost.example -> timeout"),
                                      follow_up(dns_tcp("lost.example -> timeout"))}),
                               fine()});
  EXPECT_EQ(codes(made), Codes{"dns.resolver.no_answer_for_name"});
  EXPECT_THAT(made.diagnoses, SizeIs(1));
}

TEST(OneCause, ARouterRationsItsRefusals) {
  const auto reported =
      service("target.a", "a.example", {tcp_icmp("20.1.1.1:443", 3, 1, "10.0.2.1", TcpFailure::host_unreachable)});
  const auto silent = service("target.b", "b.example", {tcp_silent("20.2.2.2:443")}, "20.2.2.2");
  const auto alone = diagnosed({reported, silent});
  EXPECT_EQ(codes(alone), Codes{"route.unreachable_reported"});
  EXPECT_THAT(alone.diagnoses.front().checks, UnorderedElementsAre("target.a", "target.b"));
  const auto beside_a_live_one = diagnosed({reported, silent, fine()});
  EXPECT_THAT(codes(beside_a_live_one), SizeIs(2)) << "something public answers: the silence has another cause";
}

TEST(OneCause, FlagsOfAnInterfaceAreOlderThanAPacketThatCameBack) {
  const Check routes =
      check("node.route", "",
            {host({.topic = HostTopic::interfaces,
                   .interfaces = {{.name = "lo", .up = true, .kind = "loopback"},
                                  {.name = "eth0", .up = false, .kind = "veth", .addresses = {"10.0.0.5/24"}}}})});
  const auto made =
      diagnosed({routes, fine(), service("target.b", "b.example", {tcp_refused("20.2.2.2:443")}, "20.2.2.2")});
  EXPECT_EQ(codes(made), Codes{"tcp.refused_by_host"});
}

TEST(OneCause, OneLocalFirewallRejectsManyTargets) {
  const auto rejected = [](const std::string& id, const std::string& host) {
    return service(id, host, {tcp_icmp("20.1.1.1:443", 3, 3, "self")});
  };
  const auto made = diagnosed({rejected("target.a", "a.example"), rejected("target.b", "b.example"), fine()});
  ASSERT_EQ(codes(made), Codes{"tcp.refused_locally"});
  EXPECT_THAT(made.diagnoses.front().checks, SizeIs(2));
}

Check inbound(int half_open, int established) {
  HostObservation seen{.topic = HostTopic::listeners};
  seen.listeners = {{.endpoint = at("0.0.0.0:44224"), .established = established, .syn_received = half_open}};
  auto made = check("inbound.44224", "", {host(std::move(seen))});
  made.target.port = 44224;
  return made;
}

TEST(OneCause, HalfOpenConnectionsAloneMeanThatAnswersAreLost) {
  EXPECT_EQ(codes(diagnosed({inbound(3, 0), fine()})), Codes{"route.asymmetric_inbound"});
  EXPECT_THAT(codes(diagnosed({inbound(1, 4), fine()})), IsEmpty()) << "a busy port";
  const auto later = [](int first, int then, int complete) {
    auto made = inbound(first, 0);
    made.observations.push_back(follow_up(inbound(then, complete).observations.front(), "seconds later"));
    return codes(diagnosed({made, fine()}));
  };
  EXPECT_THAT(codes(diagnosed({inbound(1, 0), fine()})), IsEmpty()) << "one, in one look, is on its way";
  EXPECT_EQ(later(1, 1, 0), Codes{"route.asymmetric_inbound"}) << "and still is, seconds later";
  EXPECT_THAT(later(3, 0, 3), IsEmpty()) << "a far and slow peer";
  EXPECT_THAT(codes(diagnosed({inbound(0, 0), fine()})), IsEmpty()) << "nobody came yet";
}

TEST(OneCause, AnotherPublicAddressThanThePlatformsIsANote) {
  ImdsObservation platform{.public_addresses = {"52.1.2.3"}};
  const auto seen_as = [&](std::string address) {
    const Headers headers{
        {"x-ms-keyvault-network-info", "conn_type=Ipv4;addr=" + address + ";act_addr_fam=InterNetwork;"}};
    return diagnosed({check("node.imds", "", {{.seen = platform, .follow_up = {}}}),
                      service("keyvault/kv", "kv.vault.azure.net",
                              {tcp("20.1.1.1:443"), tls("20.1.1.1:443", "kv.vault.azure.net"),
                               http("https://kv.vault.azure.net/", 401, headers)},
                              "20.1.1.1", Service::key_vault)});
  };
  ASSERT_THAT(seen_as("20.7.7.7").diagnoses, SizeIs(1));
  EXPECT_EQ(seen_as("20.7.7.7").diagnoses.front().code, "route.forced_tunnel");
  EXPECT_EQ(seen_as("20.7.7.7").diagnoses.front().severity, Severity::info);
  EXPECT_THAT(seen_as("52.1.2.3").diagnoses, IsEmpty());
  EXPECT_THAT(seen_as("10.0.0.4").diagnoses, IsEmpty()) << "through its private endpoint";
}

Observation path_of_syn(std::string_view remote, std::vector<PathHop> hops) {
  PathObservation seen{.remote = at(remote), .packet = PathPacket::syn, .hops = std::move(hops)};
  if (seen.hops.back().reply == PathReply::refused) seen.reached_at = seen.hops.back().ttl;
  return follow_up({.seen = std::move(seen), .follow_up = {}});
}

TEST(OneCause, ARefusalBeforeTheGatewayIsTheNodesOwn) {
  const auto at_once = path_of_syn("20.1.1.1:443", {{1, PathReply::refused, {}}});
  const auto counted =
      path_of_syn("20.1.1.1:33434", {{1, PathReply::time_exceeded, "10.0.0.1"}, {2, PathReply::refused, {}}});
  EXPECT_EQ(
      codes(diagnosed({service("target.a", "a.example", {tcp_refused("20.1.1.1:443"), at_once, counted}), fine()})),
      Codes{"tcp.refused_locally"});
  EXPECT_EQ(codes(diagnosed({service("target.a", "a.example", {tcp_refused("20.1.1.1:443"), at_once}), fine()})),
            Codes{"tcp.refused_by_host"})
      << "a network that does not count hops, as Azure's, refuses at any TTL";
}

Check proxied(const std::string& host, std::vector<Observation> seen) {
  auto made = check("tag." + host, "https://" + host + "/", std::move(seen), Service::storage_blob);
  made.proxy = "http://10.0.9.9:3128";
  return made;
}

TEST(OneCause, PrivateNamesThatTheProxyIsAskedForLackTheirBypass) {
  const auto denied = [](const std::string& host, const char* address) {
    return proxied(host, {tcp("10.0.9.9:3128"), proxy_connect(host + ":443", 403), follow_up(tcp(address))});
  };
  const auto made = diagnosed(
      {denied("a.blob.core.windows.net", "10.0.1.10:443"), denied("b.blob.core.windows.net", "10.0.1.11:443")});
  ASSERT_EQ(codes(made), Codes{"proxy.bypass_missing"});
  EXPECT_THAT(made.diagnoses.front().checks, SizeIs(2));
  EXPECT_THAT(made.diagnoses.front().fix.front().command,
              testing::EndsWith("168.63.129.16,a.blob.core.windows.net,b.blob.core.windows.net"));
  EXPECT_EQ(codes(diagnosed({denied("a.blob.core.windows.net", "20.60.0.1:443")})), Codes{"proxy.connect_denied"});
}

TEST(OneCause, AProxyThatReachesTheAddressAndNotTheNameCannotResolve) {
  const std::string host = "management.azure.com";
  const auto failed = proxied(host, {tcp("10.0.9.9:3128"), proxy_connect(host + ":443", 500),
                                     follow_up(proxy_connect("20.62.129.10:443", 200))});
  EXPECT_EQ(codes(diagnosed({failed})), Codes{"proxy.dns_failed"});
}

TEST(OneCause, AProxyThatOpensTheWayOutIsRequired) {
  const auto silent = [](const std::string& id, const std::string& host, const std::string& address,
                         std::vector<Observation> more = {}) {
    more.insert(more.begin(), tcp_silent(address + ":443"));
    return service(id, host, std::move(more), address);
  };
  const auto opened =
      diagnosed({silent("target.a", "a.example", "20.1.1.1", {follow_up(proxy_connect("a.example:443", 200))}),
                 silent("target.b", "b.example", "20.2.2.2")});
  EXPECT_EQ(codes(opened), Codes{"proxy.required"});
  const auto refused =
      diagnosed({silent("target.a", "a.example", "20.1.1.1", {follow_up(proxy_connect("a.example:443", 403))}),
                 silent("target.b", "b.example", "20.2.2.2")});
  EXPECT_EQ(codes(refused), Codes{"route.no_internet_outbound"});
}

TEST(OneCause, AProxyThatOpensAWayThatIsRefusedDirectlyIsRequired) {
  const auto prohibited = [](int number, std::vector<Observation> more = {}) {
    const auto n = std::to_string(number);
    more.insert(more.begin(), tcp_icmp("20.1.1." + n + ":443", 3, 13, "10.0.0.4", TcpFailure::host_unreachable));
    return service("target." + n, "h" + n + ".example", std::move(more), "20.1.1." + n);
  };
  const auto tunnel = [](int status) { return std::vector{follow_up(proxy_connect("h1.example:443", status))}; };
  const auto opened = diagnosed({prohibited(1, tunnel(200)), prohibited(2), prohibited(3)});
  ASSERT_EQ(codes(opened), Codes{"proxy.required"});
  EXPECT_THAT(opened.diagnoses.front().checks, SizeIs(3));
  EXPECT_EQ(codes(diagnosed({prohibited(1, tunnel(403)), prohibited(2)})), Codes{"tcp.refused_by_middlebox"});
  const auto one_only = diagnosed({prohibited(1, tunnel(200)), prohibited(2), fine()});
  EXPECT_EQ(codes(one_only), (Codes{"proxy.required", "tcp.refused_by_middlebox"}))
      << "others get out directly: what was not tried is judged by itself";
}

TEST(OneCause, OneRequiredCheckFailsAndWhatSharesItsCauseIsSkipped) {
  const auto silent = [](int number) {
    const auto n = std::to_string(number);
    return service("tag." + n, "h" + n + ".example", {tcp_silent("20.1.1." + n + ":443")}, "20.1.1." + n);
  };
  const auto no_internet = diagnosed({optional(silent(1)), silent(2), silent(3)});
  ASSERT_EQ(codes(no_internet), Codes{"route.no_internet_outbound"});
  EXPECT_THAT(no_internet.diagnoses.front().checks, SizeIs(3));
  EXPECT_EQ(check_of(no_internet, "tag.2").verdict, Verdict::fail);
  EXPECT_EQ(check_of(no_internet, "tag.3").verdict, Verdict::skip);
  EXPECT_EQ(check_of(no_internet, "tag.3").reason, "route.no_internet_outbound");
  EXPECT_EQ(exit_status(no_internet), 1);
  HostObservation set{.topic = HostTopic::proxies};
  set.proxies = {{.variable = "https_proxy", .value = "http://10.0.9.9:3128", .source = "process"}};
  const auto dead_proxy =
      diagnosed({optional(check("node.proxy", "", {host(set)})), proxied("a.example", {tcp_refused("10.0.9.9:3128")}),
                 proxied("b.example", {tcp_refused("10.0.9.9:3128")})});
  ASSERT_EQ(codes(dead_proxy), Codes{"proxy.unreachable"});
  EXPECT_EQ(dead_proxy.diagnoses.front().severity, Severity::critical);
  EXPECT_EQ(check_of(dead_proxy, "node.proxy").verdict, Verdict::fail);
  EXPECT_EQ(check_of(dead_proxy, "tag.a.example").verdict, Verdict::fail);
  EXPECT_EQ(check_of(dead_proxy, "tag.b.example").reason, "proxy.unreachable");
}

TEST(OneCause, ADeviceResetsWhereSeveralServicesOfMicrosoftDo) {
  const auto refused = [](const std::string& host, const std::string& address, Service kind) {
    return service("tag." + host, host, {tcp_refused(address + ":443")}, address, kind);
  };
  const auto arm = refused("management.azure.com", "20.1.1.2", Service::resource_manager);
  const auto made = diagnosed({refused("login.microsoftonline.com", "20.1.1.1", Service::entra), arm});
  ASSERT_EQ(codes(made), Codes{"tcp.refused_by_middlebox"});
  EXPECT_EQ(made.diagnoses.front().confidence, Confidence::likely);
  EXPECT_EQ(codes(diagnosed({refused("login.microsoftonline.com", "20.1.1.2", Service::entra), arm})),
            (Codes{"tcp.refused_by_host", "tcp.refused_by_host"}))
      << "two names at one address: that host's matter";
  EXPECT_EQ(codes(diagnosed({refused("a.example", "20.1.1.1", Service::user), arm})),
            (Codes{"tcp.refused_by_host", "tcp.refused_by_host"}))
      << "nobody knows what the user's own host refuses";
}

TEST(OneCause, ASilentSubnetOfEndpointsIsOneWhateverElseIsPrivate) {
  const auto endpoint = [](const std::string& kind, const std::string& address) {
    const auto host = "acct." + kind + ".core.windows.net";
    return expects_private(service("storage." + kind + "/acct", host, {tcp_silent(address + ":443")}, address));
  };
  const auto made = diagnosed({endpoint("blob", "10.0.1.10"), endpoint("file", "10.0.1.11"),
                               service("target.vm", "vm.corp", {tcp("10.0.3.4:443")}, "10.0.3.4"), fine()});
  ASSERT_EQ(codes(made), Codes{"private_endpoint.unreachable"});
  EXPECT_THAT(made.diagnoses.front().checks, SizeIs(2));
  const auto beside_a_live_one =
      diagnosed({endpoint("blob", "10.0.1.10"), endpoint("file", "10.0.1.11"),
                 service("target.vm", "vm.corp", {tcp("10.0.1.20:443")}, "10.0.1.20"), fine()});
  EXPECT_THAT(codes(beside_a_live_one), SizeIs(2)) << "each by itself";
}

// Two faults of one check: a router that has no route, and a name that would lead to the wrong side even with one.
TEST(OneCause, ADeadWayHidesNoWrongName) {
  const std::string host = "acct.blob.core.windows.net";
  const auto no_route = [](const std::string& to) {
    return tcp_icmp(to + ":443", 3, 0, "10.0.2.4", TcpFailure::network_unreachable);
  };
  const auto storage = [&](std::vector<Observation> seen) {
    return expects_private(check("storage.blob/acct", "https://" + host + "/", std::move(seen)));
  };
  EXPECT_EQ(codes(diagnosed({storage({dns(host + " -> 20.60.0.1"), no_route("20.60.0.1")}), fine()})),
            (Codes{"route.unreachable_reported", "private_endpoint.expected_private_got_public"}));
  EXPECT_EQ(codes(diagnosed({storage({dns(host + " -> 10.0.1.5"), no_route("10.0.1.5")}), fine()})),
            Codes{"route.unreachable_reported"})
      << "the name is right";
  const auto other_line =
      storage({libc(host + " -> 10.0.1.9", {"10.0.1.9"}), dns(host + " -> 10.0.1.5"), no_route("10.0.1.9")});
  EXPECT_EQ(codes(diagnosed({other_line, fine()})), Codes{"route.unreachable_reported"})
      << "an address that nothing reaches is not shown to be stale";
  const auto not_forwarded = storage({dns(host + " -> 20.60.0.1", "10.0.0.10"), no_route("20.60.0.1"),
                                      follow_up(dns(host + " -> 10.0.1.5", "168.63.129.16"))});
  EXPECT_EQ(codes(diagnosed({not_forwarded, fine()})), (Codes{"route.unreachable_reported", "dns.resolver.not_azure"}));
}

}  // namespace
}  // namespace vnetprobe::one_cause_test
