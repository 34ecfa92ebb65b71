// TCP and UDP probes inside network namespaces: client - router - server, with every way in which a path can fail.
#include "probes/kernel_network.hpp"
#include "probes/tcp.hpp"
#include "probes/udp.hpp"

#include "tests/support/network_namespace.hpp"
#include "tests/support/run.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>

namespace vnetprobe::tcp_network_test {
namespace {

using namespace std::chrono_literals;
using test::RoutedNetwork;

constexpr std::chrono::milliseconds patient = 20s;  // never reached where an answer comes
constexpr std::chrono::milliseconds silence = 200ms;

std::string failure_of(const TcpObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "connected";
}
std::string failure_of(const UdpObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : seen.answered ? "answered" : "silent";
}

// "3/13 from 10.7.0.1"; "" without one.
std::string icmp_of(const std::optional<IcmpError>& icmp) {
  if (!icmp) return "";
  return std::to_string(icmp->type) + "/" + std::to_string(icmp->code) + " from " + icmp->offender +
         (icmp->offender_is_self ? " (self)" : "");
}

TcpObservation try_tcp(const test::NetworkNamespace& where, Endpoint remote,
                       std::chrono::milliseconds limit = patient) {
  return where.inside([&] {
    asio::io_context io;
    return test::run(io, open_tcp(remote, limit)).seen;
  });
}

UdpObservation try_udp(const test::NetworkNamespace& where, Endpoint remote,
                       std::chrono::milliseconds limit = patient) {
  return where.inside([&] {
    asio::io_context io;
    return test::run(io, observe_udp(remote, limit));
  });
}

// A socket bound to every address of both families inside a namespace; the kernel answers for it.
class Bound {
 public:
  Bound(const test::NetworkNamespace& where, int type, std::uint16_t port)
      : socket_(where.inside([&] {
          const int made = ::socket(AF_INET6, type | SOCK_CLOEXEC, 0);
          sockaddr_in6 any{};
          any.sin6_family = AF_INET6;
          any.sin6_port = htons(port);
          EXPECT_EQ(::bind(made, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
          EXPECT_TRUE(type == SOCK_DGRAM || ::listen(made, 16) == 0);
          return made;
        })) {}
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  ~Bound() { ::close(socket_); }

 private:
  int socket_;
};

class Paths : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::NetworkNamespace::available()) GTEST_SKIP() << "needs root for network namespaces";
    net_.emplace();
    open_.emplace(net_->server, SOCK_STREAM, 443);
  }
  std::optional<RoutedNetwork> net_;
  std::optional<Bound> open_;
};

TEST_F(Paths, AnOpenPortShowsItsMeasurementsAndNothingElse) {
  for (const auto& [remote, local] : {std::pair{"10.8.0.2", "10.7.0.2"}, std::pair{"fd08::2", "fd07::2"}}) {
    const auto seen = try_tcp(net_->client, {remote, 443});
    EXPECT_EQ(failure_of(seen), "connected") << remote;
    ASSERT_TRUE(seen.local);
    EXPECT_EQ(seen.local->address, local);
    EXPECT_GT(seen.local->port, 0);
    EXPECT_EQ(seen.interface, "eth0");
    EXPECT_GT(seen.rtt.value_or(0us), 0us);
    EXPECT_GT(seen.mss, 1000);
    EXPECT_EQ(seen.retransmissions, 0);
    EXPECT_GT(seen.duration, 0us);
    EXPECT_FALSE(seen.icmp || seen.route || seen.neighbour || seen.errno_name);
  }
}

TEST_F(Paths, WhoRefusedIsToldFromTheErrorQueue) {
  struct Case {
    std::string rule, failure, errno_name, icmp_v4, icmp_v6;
    bool at_client = false;
  };
  for (const auto& c : std::vector<Case>{
           {"meta l4proto tcp reject with icmpx port-unreachable", "refused", "ECONNREFUSED", "3/3 from 10.7.0.1",
            "1/4 from fd07::1"},
           {"meta l4proto tcp reject with icmpx host-unreachable", "host_unreachable", "EHOSTUNREACH",
            "3/1 from 10.7.0.1", "1/3 from fd07::1"},
           {"meta l4proto tcp reject with icmpx admin-prohibited", "host_unreachable", "EHOSTUNREACH",
            "3/13 from 10.7.0.1", "1/1 from fd07::1"},
           {"meta l4proto tcp reject with icmpx no-route", "network_unreachable", "ENETUNREACH", "3/0 from 10.7.0.1",
            "1/0 from fd07::1"},
           {"tcp dport 443 reject with tcp reset", "refused", "ECONNREFUSED", "", ""},
           {"tcp dport 443 reject with icmpx port-unreachable", "refused", "ECONNREFUSED", "3/3 from 10.7.0.2 (self)",
            "1/4 from fd07::2 (self)", true},
           {"tcp dport 443 reject with tcp reset", "refused", "ECONNREFUSED", "", "", true},
       }) {
    net_->router.shell("nft flush ruleset");
    net_->client.shell("nft flush ruleset");
    if (c.at_client)
      net_->client_rule(c.rule);
    else
      net_->router_rule(c.rule);
    const auto v4 = try_tcp(net_->client, {"10.8.0.2", 443});
    EXPECT_EQ(failure_of(v4), c.failure) << c.rule;
    EXPECT_EQ(v4.errno_name, c.errno_name) << c.rule;
    EXPECT_EQ(icmp_of(v4.icmp), c.icmp_v4) << c.rule;
    EXPECT_EQ(v4.route.value_or(RouteLookup{}).gateway, "10.7.0.1") << c.rule;
    const auto v6 = try_tcp(net_->client, {"fd08::2", 443});
    EXPECT_NE(failure_of(v6), "connected") << c.rule;
    EXPECT_EQ(icmp_of(v6.icmp), c.icmp_v6) << c.rule << " " << v6.errno_name.value_or("");
  }
}

TEST_F(Paths, AClosedPortOfTheHostComesWithoutIcmp) {
  for (const auto* remote : {"10.8.0.2", "fd08::2"}) {
    const auto seen = try_tcp(net_->client, {remote, 444});
    EXPECT_EQ(failure_of(seen), "refused") << remote;
    EXPECT_EQ(icmp_of(seen.icmp), "");
    EXPECT_EQ(seen.route.value_or(RouteLookup{}).type, "unicast");
    EXPECT_TRUE(seen.neighbour);
  }
}

TEST_F(Paths, ALocalRejectIsNeverTakenForAConnection) {
  // The ICMP error may arrive while connect() still holds the socket: the kernel then keeps it as a soft error.
  // Fewer attempts than the kernel's burst of ICMP errors (icmp_msgs_burst, 50).
  net_->client_rule("meta l4proto tcp reject");
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto seen = try_tcp(net_->client, {"10.8.0.2", 443});
    ASSERT_EQ(failure_of(seen), "refused");
    ASSERT_EQ(icmp_of(seen.icmp), "3/3 from 10.7.0.2 (self)");
  }
}

TEST_F(Paths, SilenceCountsTheRetransmittedSyns) {
  net_->router_rule("meta l4proto tcp drop");
  const auto seen = try_tcp(net_->client, {"10.8.0.2", 443}, 1500ms);
  EXPECT_EQ(failure_of(seen), "timed_out");
  EXPECT_EQ(seen.errno_name, "ETIMEDOUT");
  EXPECT_GE(seen.retransmissions, 1);
  EXPECT_EQ(icmp_of(seen.icmp), "");
  EXPECT_FALSE(seen.rtt) << "nobody measured one";
  EXPECT_EQ(seen.local.value_or(Endpoint{}).address, "10.7.0.2");
  EXPECT_EQ(seen.route.value_or(RouteLookup{}).interface, "eth0");
  EXPECT_EQ(seen.neighbour.value_or(NeighbourEntry{}).interface, "eth0");
  EXPECT_GE(seen.duration, 1500ms);
}

TEST_F(Paths, ALocalDropIsSilenceForTcpAndEpermForUdp) {
  net_->client_rule("ip daddr 10.8.0.2 drop");
  EXPECT_EQ(failure_of(try_tcp(net_->client, {"10.8.0.2", 443}, silence)), "timed_out");
  const auto udp = try_udp(net_->client, {"10.8.0.2", 5831});
  EXPECT_EQ(failure_of(udp), "not_permitted");
  EXPECT_EQ(udp.errno_name, "EPERM");
}

TEST_F(Paths, TheNodesOwnRoutesFailAtOnceEachInItsWay) {
  struct Case {
    std::string type, failure, errno_name;
  };
  for (const auto& c : std::vector<Case>{{"blackhole", "invalid_route", "EINVAL"},
                                         {"unreachable", "host_unreachable", "EHOSTUNREACH"},
                                         {"prohibit", "not_permitted", "EACCES"}}) {
    net_->client.shell("ip route replace " + c.type + " 10.8.0.2");
    net_->client.shell("ip -6 route replace " + c.type + " fd08::2");
    for (const auto* remote : {"10.8.0.2", "fd08::2"}) {
      const auto seen = try_tcp(net_->client, {remote, 443});
      EXPECT_EQ(failure_of(seen), c.failure) << c.type << " " << remote;
      EXPECT_EQ(seen.errno_name, c.errno_name) << c.type << " " << remote;
      ASSERT_TRUE(seen.route);
      EXPECT_EQ(seen.route->type, c.type) << remote;
      EXPECT_FALSE(seen.neighbour);
      EXPECT_FALSE(seen.local);
    }
    EXPECT_EQ(try_udp(net_->client, {"10.8.0.2", 5831}).errno_name, c.errno_name);
    net_->client.shell("ip route del " + c.type + " 10.8.0.2; ip -6 route del " + c.type + " fd08::2");
  }
  net_->client.shell("ip route del default; ip -6 route del default");
  for (const auto* remote : {"10.8.0.2", "fd08::2"}) {
    const auto seen = try_tcp(net_->client, {remote, 443});
    EXPECT_EQ(failure_of(seen), "network_unreachable") << remote;
    EXPECT_EQ(seen.errno_name, "ENETUNREACH");
    EXPECT_EQ(seen.route.value_or(RouteLookup{}).type, "none") << remote;
    EXPECT_EQ(seen.route.value_or(RouteLookup{}).error, ENETUNREACH);
  }
}

TEST_F(Paths, ARouterWithoutARouteNamesItself) {
  const auto seen = try_tcp(net_->client, {"10.9.0.9", 443});
  EXPECT_EQ(failure_of(seen), "network_unreachable");
  EXPECT_EQ(icmp_of(seen.icmp), "3/0 from 10.7.0.1");
  const auto v6 = try_tcp(net_->client, {"fd09::9", 443});
  EXPECT_EQ(icmp_of(v6.icmp), "1/0 from fd07::1");
}

TEST_F(Paths, ADeadGatewayIsToldByTheNeighbourTableAndByOurOwnIcmp) {
  net_->client.shell("ip route replace default via 10.7.0.77");
  const auto early = try_tcp(net_->client, {"10.8.0.2", 443}, silence);
  EXPECT_EQ(failure_of(early), "timed_out");
  EXPECT_EQ(early.neighbour.value_or(NeighbourEntry{}).state, "INCOMPLETE");
  const auto seen = try_tcp(net_->client, {"10.8.0.2", 443});
  EXPECT_EQ(failure_of(seen), "host_unreachable");
  EXPECT_EQ(icmp_of(seen.icmp), "3/1 from 10.7.0.2 (self)");
  ASSERT_TRUE(seen.neighbour);
  EXPECT_EQ(seen.neighbour->gateway, "10.7.0.77");
  EXPECT_EQ(seen.neighbour->interface, "eth0");
  EXPECT_EQ(seen.neighbour->state, "FAILED");
  EXPECT_LT(seen.duration, 6s);
}

TEST_F(Paths, LinkLocalAddressesKeepTheirZone) {
  net_->client.shell("ip addr add fe80::7:2/64 nodad dev eth0");
  net_->router.shell("ip addr add fe80::7:1/64 nodad dev left");
  const Bound listener(net_->router, SOCK_STREAM, 8443);
  const auto seen = try_tcp(net_->client, {"fe80::7:1%eth0", 8443});
  EXPECT_EQ(failure_of(seen), "connected");
  EXPECT_EQ(seen.interface, "eth0");
  const auto closed = try_tcp(net_->client, {"fe80::7:1%eth0", 8444});
  EXPECT_EQ(failure_of(closed), "refused");
  EXPECT_EQ(closed.route.value_or(RouteLookup{}).interface, "eth0");
  EXPECT_TRUE(closed.neighbour);
}

TEST_F(Paths, UsedUpPortsAreOurOwnFailure) {
  net_->client.shell("echo '40000 40000' >/proc/sys/net/ipv4/ip_local_port_range");
  const auto seen = net_->client.inside([&] {
    asio::io_context io;
    const auto first = test::run(io, open_tcp({"10.8.0.2", 443}, patient));
    EXPECT_TRUE(first.socket);
    return test::run(io, open_tcp({"10.8.0.2", 443}, patient)).seen;
  });
  EXPECT_EQ(failure_of(seen), "no_local_address");
  EXPECT_EQ(seen.errno_name, "EADDRNOTAVAIL");
}

TEST_F(Paths, UdpTellsSilenceFromRefusal) {
  const Bound listener(net_->server, SOCK_DGRAM, 5831);
  EXPECT_EQ(failure_of(try_udp(net_->client, {"10.8.0.2", 5831}, silence)), "silent");
  const auto closed = try_udp(net_->client, {"10.8.0.2", 5832});
  EXPECT_EQ(failure_of(closed), "refused");
  EXPECT_EQ(icmp_of(closed.icmp), "3/3 from 10.8.0.2");
  EXPECT_EQ(icmp_of(try_udp(net_->client, {"fd08::2", 5832}).icmp), "1/4 from fd08::2");
  net_->router_rule("meta l4proto udp reject with icmpx admin-prohibited");
  const auto rejected = try_udp(net_->client, {"10.8.0.2", 5831});
  EXPECT_EQ(failure_of(rejected), "host_unreachable");
  EXPECT_EQ(icmp_of(rejected.icmp), "3/13 from 10.7.0.1");
}

TEST_F(Paths, OwnAddressesIncludeAllOfLoopback) {
  net_->client.inside([] {
    for (const auto* own : {"127.0.0.1", "127.9.9.9", "::1", "10.7.0.2", "fd07::2"})
      EXPECT_TRUE(is_own_address(own)) << own;
    for (const auto* other : {"10.7.0.1", "fd07::1", "10.8.0.2", "192.0.2.1", "", "x"})
      EXPECT_FALSE(is_own_address(other)) << other;
    return 0;
  });
}

}  // namespace
}  // namespace vnetprobe::tcp_network_test
