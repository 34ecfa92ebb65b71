#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What a healthy network shows too: sizes, IPv6, loss, settings that disagree. A note at most, unless something fails
// of it.
namespace vnetprobe::network_notes_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> all_codes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& one : made.diagnoses) found.push_back(one.code);
  return found;
}

Check fine(int number = 1) {
  const auto n = std::to_string(number), host = "ok" + n + ".contoso.com", at = "20.9.9." + n + ":443";
  return check("target.ok" + n, "https://" + host + "/",
               {dns(host + " -> 20.9.9." + n), tcp(at), tls(at, host), http("https://" + host + "/", 200)},
               Service::user);
}

Check silent(int number) {
  const auto n = std::to_string(number), host = "silent" + n + ".contoso.com";
  return check("target.silent" + n, "https://" + host + "/",
               {dns(host + " -> 20.8.8." + n), tcp_silent("20.8.8." + n + ":443")}, Service::user);
}

Check interfaces(std::vector<InterfaceFacts> all, std::vector<RouteFacts> routes = {}) {
  HostObservation seen{.topic = HostTopic::interfaces};
  seen.interfaces = std::move(all);
  seen.routes = std::move(routes);
  return optional(check("node.interfaces", "", {host(std::move(seen))}));
}

InterfaceFacts card(int mtu, bool up = true) {
  return {.name = "eth0", .up = up, .kind = "ethernet", .mtu = mtu, .addresses = {"10.0.0.5/24"}};
}

TEST(Overlap, ABridgeThatTakesTheAddressOfAFailingTarget) {
  const auto bridge = [](std::string address, Observation attempt) {
    HostObservation seen{.topic = HostTopic::docker_bridge};
    seen.interfaces = {{.name = "docker0", .up = true, .kind = "bridge", .addresses = {"172.17.0.1/16"}}};
    seen.routes = {{.destination = "0.0.0.0/0", .type = "unicast", .gateway = "10.0.0.1", .interface = "eth0"},
                   {.destination = "172.17.0.0/16", .type = "unicast", .interface = "docker0"}};
    return diagnosed({optional(check("node.docker-bridge", "", {host(std::move(seen))})),
                      check("target.db", "tcp://db.contoso.local:1433",
                            {dns("db.contoso.local -> " + address), std::move(attempt)}, Service::user),
                      fine()});
  };
  EXPECT_EQ(first_code(bridge("172.17.5.9", tcp_silent("172.17.5.9:1433"))), "route.overlap");
  EXPECT_THAT(codes(bridge("172.17.5.9", tcp("172.17.5.9:1433"))), IsEmpty()) << "a container on purpose";
  EXPECT_THAT(all_codes(bridge("10.0.7.9", tcp_silent("10.0.7.9:1433"))), Not(Contains("route.overlap")));
}

TEST(MtuMismatch, IsANoteOnACardThatIsUp) {
  EXPECT_THAT(all_codes(diagnosed({interfaces({card(9000)}), fine()})), ElementsAre("route.mtu_mismatch"));
  EXPECT_THAT(codes(diagnosed({interfaces({card(9000)}), fine()})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({interfaces({card(1500)}), fine()})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({interfaces({card(9000, false)}), fine()})), Not(Contains("route.mtu_mismatch")));
  InterfaceFacts loopback{.name = "lo", .up = true, .kind = "loopback", .mtu = 65536, .addresses = {"127.0.0.1/8"}};
  EXPECT_THAT(all_codes(diagnosed({interfaces({loopback, card(1500)}), fine()})), IsEmpty());
}

Check with_both(Observation over_v6, std::optional<Observation> over_v4) {
  std::vector<Observation> seen{dns("both.contoso.com -> 20.7.7.7"), std::move(over_v6)};
  if (over_v4) seen.push_back(std::move(*over_v4));
  return check("target.both", "tcp://both.contoso.com:443", std::move(seen), Service::user);
}

Report on_node_with_v6(std::vector<Check> checks) {
  auto made = report(std::move(checks));
  made.node.addresses.push_back({.value = "2001:db8::5/64", .interface = "eth0", .source = "interface"});
  return diagnosed(std::move(made));
}

TEST(Ipv6, ThatIsNotConfiguredFailsOnlyWhatHasNothingElse) {
  const auto no_v6 = tcp_no_route("[2001:db8:1::7]:443", "none"), v4 = tcp("20.7.7.7:443");
  const auto beside = diagnosed({with_both(no_v6, v4), fine()});
  EXPECT_THAT(all_codes(beside), ElementsAre("ipv6.unconfigured"));
  EXPECT_THAT(codes(beside), IsEmpty());
  EXPECT_THAT(codes(diagnosed({with_both(no_v6, {}), fine()})), ElementsAre("ipv6.unconfigured"));
  EXPECT_THAT(all_codes(diagnosed({fine()})), IsEmpty()) << "nobody asked for IPv6";
  EXPECT_THAT(all_codes(on_node_with_v6({with_both(no_v6, v4), fine()})), Not(Contains("ipv6.unconfigured")));
}

TEST(Ipv6, ThatFailsBesideIpv4IsANote) {
  const auto v4 = tcp("20.7.7.7:443"), dead = tcp_silent("[2001:db8:1::7]:443");
  const auto made = on_node_with_v6({with_both(dead, v4), fine()});
  EXPECT_THAT(all_codes(made), ElementsAre("ipv6.broken"));
  EXPECT_THAT(codes(made), IsEmpty());
  EXPECT_THAT(all_codes(on_node_with_v6({with_both(tcp("[2001:db8:1::7]:443"), v4), fine()})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({with_both(dead, v4), fine()})), Not(Contains("ipv6.broken")));
}

TEST(EverythingPublic, IsSilentWithAndWithoutLifeOnThePrivateSide) {
  const auto without_names = [](int number) {
    const auto n = std::to_string(number);
    return check("target.a" + n, "tcp://20.8.8." + n + ":443", {tcp_silent("20.8.8." + n + ":443")}, Service::user);
  };
  EXPECT_EQ(first_code(diagnosed({without_names(1), without_names(2)})), "tcp.dropped_all_public");
  EXPECT_EQ(first_code(diagnosed({silent(1), silent(2)})), "route.no_internet_outbound") << "names resolve";
  auto proxied = report({silent(1), silent(2)});
  proxied.node.proxy = {{.variable = "https_proxy", .value = "http://10.0.9.9:3128", .source = "environment"}};
  EXPECT_EQ(first_code(diagnosed(proxied)), "tcp.dropped_all_public") << "a proxy may be the only way out";
  EXPECT_THAT(all_codes(diagnosed({without_names(1), without_names(2), fine()})),
              Not(Contains("tcp.dropped_all_public")));
  EXPECT_THAT(all_codes(diagnosed({without_names(1)})), Not(Contains("tcp.dropped_all_public"))) << "one host alone";
}

TEST(Loss, IsANoteOfManyConnections) {
  const auto with = [](int connections, int lossy) {
    std::vector<Check> all;
    for (int i = 0; i < connections; ++i) {
      all.push_back(fine(i + 1));
      for (auto& one : all.back().observations)
        if (auto* seen = std::get_if<TcpObservation>(&one.seen)) seen->retransmissions = i < lossy ? 1 : 0;
    }
    return diagnosed(std::move(all));
  };
  EXPECT_THAT(all_codes(with(12, 4)), ElementsAre("tcp.loss"));
  EXPECT_THAT(codes(with(12, 4)), IsEmpty());
  EXPECT_THAT(all_codes(with(12, 1)), IsEmpty());
  EXPECT_THAT(all_codes(with(5, 5)), IsEmpty()) << "too few to tell";
}

TEST(ProxySettings, ThatDisagreeAreANote) {
  const auto with = [](std::vector<ProxySetting> settings) {
    HostObservation seen{.topic = HostTopic::proxies};
    seen.proxies = std::move(settings);
    return diagnosed({optional(check("node.proxy", "", {host(std::move(seen))})), fine()});
  };
  const auto https = [](std::string value, std::string source) {
    return ProxySetting{.variable = "https_proxy", .value = std::move(value), .source = std::move(source)};
  };
  const auto apart = with({https("http://a:3128", "environment"), https("http://b:8080", "/etc/environment")});
  EXPECT_THAT(all_codes(apart), ElementsAre("proxy.env_inconsistent"));
  EXPECT_THAT(codes(apart), IsEmpty());
  EXPECT_THAT(all_codes(with({https("http://a:3128", "environment"), https("http://a:3128", "/etc/environment")})),
              IsEmpty());
  EXPECT_THAT(all_codes(with({https("http://a:3128", "environment"), https("http://b:8080", "apt")})), IsEmpty())
      << "apt may have a proxy of its own";
}

}  // namespace
}  // namespace vnetprobe::network_notes_test
