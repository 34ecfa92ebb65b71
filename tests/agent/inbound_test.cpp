#include "agent/inbound/proof.hpp"
#include "agent/inbound/show.hpp"
#include "agent/inbound/token.hpp"
#include "agent/inbound/verdict.hpp"
#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::inbound::inbound_test {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

const std::string token = "0123456789abcdef0123456789abcdef";
const Exchange exchange{.reach_nonce = std::string(32, 'a'), .listen_nonce = std::string(32, 'b'), .port = 44224};

TEST(Proof, IsMadeByTheTokenForOneConnectionAtOnePort) {
  const auto line = proof_line(token, exchange);
  EXPECT_TRUE(is_proof(line, token, exchange));
  EXPECT_THAT(line, Not(HasSubstr(token)));
  EXPECT_FALSE(is_proof(line, "another token of thirty-two char", exchange));
  for (auto other : {Exchange{std::string(32, 'c'), exchange.listen_nonce, exchange.port},
                     Exchange{exchange.reach_nonce, std::string(32, 'c'), exchange.port},
                     Exchange{exchange.reach_nonce, exchange.listen_nonce, 44225}})
    EXPECT_FALSE(is_proof(line, token, other));
  EXPECT_FALSE(is_proof(seen_line(token, exchange, "10.0.0.4:1"), token, exchange)) << "the other direction's";
}

TEST(Proof, OfTheListenerHoldsTheAddressThatItSees) {
  const auto line = seen_line(token, exchange, "10.0.0.9:41234");
  EXPECT_EQ(address_seen(line, token, exchange), "10.0.0.9:41234");
  auto forged = line;
  forged.replace(forged.find("10.0.0.9"), 8, "10.0.0.8");
  EXPECT_EQ(address_seen(forged, token, exchange), std::nullopt);
  EXPECT_EQ(address_seen(line, "another token of thirty-two char", exchange), std::nullopt);
  EXPECT_EQ(address_seen(proof_line(token, exchange), token, exchange), std::nullopt);
}

TEST(Proof, LinesThatAreNotWellFormedAreNobodys) {
  EXPECT_EQ(nonce_of_hello(hello_line(exchange.reach_nonce)), exchange.reach_nonce);
  EXPECT_EQ(nonce_of_challenge(challenge_line(exchange.listen_nonce)), exchange.listen_nonce);
  for (const auto& line : std::vector<std::string>{
           "", "hello", "vnetprobe/1 hello", "vnetprobe/1 hello xyz", "vnetprobe/2 hello " + exchange.reach_nonce,
           "vnetprobe/1 hello " + exchange.reach_nonce + " more", "vnetprobe/1 hello " + std::string(32, 'A'),
           "vnetprobe/1 hello " + std::string(33, 'a'), "vnetprobe/1 hello " + std::string(10000, 'a'),
           std::string("vnetprobe/1 hello \0", 19) + exchange.reach_nonce, std::string("SSH-2.0-OpenSSH_9.6")}) {
    EXPECT_EQ(nonce_of_hello(line), std::nullopt) << line.substr(0, 60);
    EXPECT_EQ(nonce_of_challenge(line), std::nullopt) << line.substr(0, 60);
    EXPECT_FALSE(is_proof(line, token, exchange)) << line.substr(0, 60);
    EXPECT_EQ(address_seen(line, token, exchange), std::nullopt) << line.substr(0, 60);
  }
  EXPECT_NE(make_nonce(), make_nonce());
}

PortReach seen(const Observation& connection, std::optional<Dialogue> dialogue = {}) {
  const auto& tcp = std::get<TcpObservation>(connection.seen);
  return {.port = 44224, .address = tcp.remote.address, .tcp = tcp, .dialogue = std::move(dialogue)};
}

struct Case {
  const char* what;
  PortReach reach;
  ReachVerdict verdict;
  const char* says;
  const char* next;
  bool with_token = true;
};

TEST(ReachVerdicts, FollowFromWhatWasSeen) {
  const std::string_view there = "10.0.0.4:44224";
  auto blocked = tcp_silent(there);
  std::get<TcpObservation>(blocked.seen).send_refused = true;
  auto no_arp = tcp_failed(there, TcpFailure::host_unreachable, "EHOSTUNREACH", std::chrono::seconds(3));
  no_arp.neighbour->state = "FAILED";
  const std::vector<Case> cases{
      {"by the token", seen(tcp(there), Dialogue{.listener = true, .seen_as = "10.0.0.5:40000"}), ReachVerdict::reached,
       "by its listener, as 10.0.0.5:40000", ""},
      {"through NAT", seen(tcp(there), Dialogue{.listener = true, .seen_as = "20.1.2.3:1024"}), ReachVerdict::reached,
       "translates addresses", ""},
      {"no token here", seen(tcp(there), Dialogue{.listener = true}), ReachVerdict::not_proven, "nothing proves which",
       "--token-file", false},
      {"another token", seen(tcp(there), Dialogue{.listener = true}), ReachVerdict::not_proven,
       "does not take the token", "compare"},
      {"ssh", seen(tcp(there), Dialogue{.first_bytes = "SSH-2.0-OpenSSH", .ended = "closed"}),
       ReachVerdict::answered_by_another, "says \"SSH-2.0-OpenSSH\"", "either the service"},
      {"a device that completes connections", seen(tcp(there), Dialogue{.ended = "silent"}),
       ReachVerdict::answered_by_another, "says nothing", "firewall or load balancer"},
      {"a reset after the connection", seen(tcp(there), Dialogue{.ended = "reset"}), ReachVerdict::answered_by_another,
       "resets", ""},
      {"a closed port", seen(tcp_refused(there)), ReachVerdict::refused, "TCP reset", "vnetprobe listen --ports 44224"},
      {"a device rejects", seen(tcp_icmp(there, 3, 13, "10.0.9.9", TcpFailure::host_unreachable)),
       ReachVerdict::refused, "10.0.9.9 on the way", "owner of 10.0.9.9"},
      {"the target rejects", seen(tcp_icmp(there, 3, 3, "10.0.0.4")), ReachVerdict::refused, "target's own firewall",
       "ufw allow 44224"},
      {"this node rejects", seen(tcp_icmp(there, 3, 3, "self")), ReachVerdict::blocked_here, "own firewall rejects",
       "nft"},
      {"a router has no way", seen(tcp_icmp(there, 3, 1, "10.0.9.1", TcpFailure::host_unreachable)),
       ReachVerdict::unreachable, "10.0.9.1 on the way reports", "route to 10.0.0.4"},
      {"silence", seen(tcp_silent(there)), ReachVerdict::filtered, "cannot be told from here",
       "--destination-port-ranges 44224"},
      {"silence of its own", seen(blocked), ReachVerdict::blocked_here, "no packet leaves", "nft"},
      {"no route", seen(tcp_no_route(there, "none")), ReachVerdict::unreachable, "ENETUNREACH",
       "ip route get 10.0.0.4"},
      {"a prohibition", seen(tcp_no_route(there, "prohibit")), ReachVerdict::blocked_here, "EACCES", "ip route get"},
      {"no neighbour", seen(Observation{.seen = no_arp, .follow_up = {}}), ReachVerdict::unreachable,
       "10.0.0.1 does not answer on eth0", "gateway"},
  };
  for (auto c : cases) {
    judge(c.reach, c.with_token);
    EXPECT_EQ(c.reach.verdict, c.verdict) << c.what << ": " << c.reach.says;
    EXPECT_THAT(c.reach.says, HasSubstr(c.says)) << c.what;
    EXPECT_THAT(c.reach.next, HasSubstr(c.next)) << c.what;
  }
}

TEST(ReachVerdicts, APortIsReachedAtOneOfItsAddresses) {
  ReachReport report;
  EXPECT_EQ(exit_status(report), 1);
  report.ports = {{.port = 1, .address = "10.0.0.4", .verdict = ReachVerdict::reached},
                  {.port = 1, .address = "fd00::4", .verdict = ReachVerdict::filtered}};
  EXPECT_EQ(exit_status(report), 0);
  report.ports.push_back({.port = 2, .address = "10.0.0.4", .verdict = ReachVerdict::answered_by_another});
  EXPECT_EQ(exit_status(report), 1);
}

TEST(Shown, ForeignBytesAreHarmlessAndTheTokenIsNowhere) {
  auto one = seen(tcp("10.0.0.4:44224"), Dialogue{.first_bytes = "\x1b[31m\u202e"});
  judge(one, true);
  const ReachReport report{.host = "h", .with_token = true, .ports = {one}};
  EXPECT_THAT(as_text(report, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(as_json(report), Not(HasSubstr("\x1b")));
  EXPECT_THAT(as_text(report, true), HasSubstr("\x1b[")) << "colour of our own";
}

TEST(Shown, AListenerTellsWhoCameAndWhatNeverCompleted) {
  ListenReport report{.ended_by = "time"};
  report.ports = {{.port = 1, .visitors = {{.address = "10.0.0.5:4", .proven = true}}, .visits = 1, .proven = 1},
                  {.port = 2, .visits = 0, .half_open = 3},
                  {.port = 3, .problem = "port 3 is in use already"},
                  {.port = 4}};
  const auto text = as_text(report, false);
  EXPECT_THAT(text, HasSubstr("1  reached\n"));
  EXPECT_THAT(text, HasSubstr("10.0.0.5:4: proven"));
  EXPECT_THAT(text, HasSubstr("3 connections began and were never completed"));
  EXPECT_THAT(text, HasSubstr("route.asymmetric_inbound"));
  EXPECT_THAT(text, HasSubstr("3  not listened at"));
  EXPECT_THAT(text, HasSubstr("nobody came"));
  EXPECT_EQ(exit_status(report), 1);
  report.ports = {{.port = 1, .visits = 1, .proven = 1}, {.port = 3, .problem = "in use"}};
  EXPECT_EQ(exit_status(report), 0) << "what could not be listened at is told, and is no failure of the way";
}

}  // namespace
}  // namespace vnetprobe::inbound::inbound_test
