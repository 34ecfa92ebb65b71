#include "probes/path.hpp"

#include "tests/support/network_namespace.hpp"
#include "tests/support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace vnetprobe::path_test {
namespace {

// client - first - second - server, each on a link of its own.
struct Chain {
  Chain() {
    link(client, first, "10.1.0", 2, 1);
    link(first, second, "10.2.0", 1, 2);
    link(second, server, "10.3.0", 1, 2);
    client.shell("ip route add default via 10.1.0.1");
    first.shell("ip route add default via 10.2.0.2; sysctl -qw net.ipv4.ip_forward=1");
    second.shell("ip route add 10.1.0.0/24 via 10.2.0.1; sysctl -qw net.ipv4.ip_forward=1");
    server.shell("ip route add default via 10.3.0.1");
    listener = server.inside([] {
      const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in any{};
      any.sin_family = AF_INET;
      any.sin_port = htons(443);
      EXPECT_EQ(::bind(made, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
      EXPECT_EQ(::listen(made, 64), 0);
      return made;
    });
  }
  ~Chain() { ::close(listener); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  void link(const test::NetworkNamespace& a, const test::NetworkNamespace& b, const std::string& net, int of_a,
            int of_b) {
    const std::string left = "l" + std::to_string(links), right = "r" + std::to_string(links);
    ++links;
    a.shell("ip link add " + left + " type veth peer name " + right + " netns " + b.path());
    a.shell("ip addr add " + net + "." + std::to_string(of_a) + "/24 dev " + left + "; ip link set " + left + " up");
    b.shell("ip addr add " + net + "." + std::to_string(of_b) + "/24 dev " + right + "; ip link set " + right + " up");
  }

  PathObservation syn(std::uint16_t port) {
    return client.inside([&] {
      asio::io_context loop;
      return test::run(loop, trace_syn({"10.3.0.2", port}, {.hops = 6}));
    });
  }

  test::NetworkNamespace client, first, second, server;
  int listener{}, links{};
};

std::string in_words(const PathObservation& path) {
  std::string text;
  for (const auto& hop : path.hops)
    text += fmt::format("{} {}{} ", hop.ttl, boost::describe::enum_to_string(hop.reply, "?"),
                        hop.address ? " " + *hop.address : "");
  return text + (path.reached_at ? fmt::format("-> {}", *path.reached_at) : "-> none");
}

class Hops : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::NetworkNamespace::available()) GTEST_SKIP() << "needs root for network namespaces";
    chain_.emplace();
  }
  std::optional<Chain> chain_;
};

TEST_F(Hops, EveryHopIsNamedAndTheDistanceOfTheAnswerIsKnown) {
  EXPECT_EQ(in_words(chain_->syn(443)), "1 time_exceeded 10.1.0.1 2 time_exceeded 10.2.0.2 3 answered -> 3");
  EXPECT_EQ(in_words(chain_->syn(80)), "1 time_exceeded 10.1.0.1 2 time_exceeded 10.2.0.2 3 refused -> 3");
}

TEST_F(Hops, ADeviceThatRefusesStandsNearer) {
  chain_->first.shell(
      "nft add table ip f; nft 'add chain ip f c { type filter hook forward priority 0; }'; "
      "nft add rule ip f c tcp dport 443 reject with tcp reset");
  EXPECT_EQ(in_words(chain_->syn(443)), "1 time_exceeded 10.1.0.1 2 refused -> 2");
}

TEST_F(Hops, ADropLeavesTheHopsBeforeIt) {
  chain_->second.shell(
      "nft add table ip f; nft 'add chain ip f c { type filter hook forward priority 0; }'; "
      "nft add rule ip f c tcp dport 443 drop");
  EXPECT_EQ(in_words(chain_->syn(443)), "1 time_exceeded 10.1.0.1 2 time_exceeded 10.2.0.2 -> none");
}

TEST_F(Hops, AClientHelloThatIsCutOnTheWayIsCutBeforeTheServersDistance) {
  chain_->first.shell(
      "nft add table ip f; nft 'add chain ip f c { type filter hook forward priority 0; }'; "
      "nft add rule ip f c tcp dport 443 ip length '>' 200 reject with tcp reset");
  auto made = TlsContext::make({.ca_files = {}, .system_store = "/nonexistent"});
  auto& context = std::get<TlsContext>(made);
  const auto seen = chain_->client.inside([&] {
    asio::io_context loop;
    return test::run(loop,
                     trace_client_hello({"10.3.0.2", 443}, context, "a.test", std::chrono::seconds(5), {.hops = 3}));
  });
  EXPECT_EQ(seen.reached_at, 2) << in_words(seen);
  EXPECT_EQ(seen.hops.back().reply, PathReply::cut) << in_words(seen);
}

}  // namespace
}  // namespace vnetprobe::path_test
