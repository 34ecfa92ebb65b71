#include "probes/host/packet_filter.hpp"
#include "probes/host/command.hpp"
#include "tests/support/network_namespace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::packet_filter_test {
namespace {

using namespace std::chrono_literals;
using test::NetworkNamespace;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr FirstPacket coming_in{.way = FirstPacket::Way::in, .port = 44224};
constexpr FirstPacket going_out{.way = FirstPacket::Way::out, .port = 443};
constexpr auto patient = 20s;

std::string word(FilterRuling ruling) { return boost::describe::enum_to_string(ruling, "?"); }

// Rules as an administrator writes them, as nft itself tells them afterwards.
std::string as_json(const std::string& rules) {
  const NetworkNamespace net;
  net.shell(rules.empty() ? "true" : "nft -f - <<'END'\n" + rules + "\nEND");
  return output_of(net.command({"nft", "-j", "list", "ruleset"}), patient).value_or("");
}

std::string table(const std::string& chain, const std::string& more = "") {
  return "table inet filter {\n" + more + " chain input { type filter hook input priority 0; " + chain + "; }\n}";
}

TEST(PacketFilter, FollowsTheRulesAsThePacketDoes) {
  if (!NetworkNamespace::available()) GTEST_SKIP() << "needs root for network namespaces";
  struct Case {
    std::string what, rules, ruling, rule;
  };
  const std::string drop = "policy drop; ", established = "ct state established,related accept; iifname lo accept; ";
  for (const auto& c : std::vector<Case>{
           {"no rules", "", "accepts", ""},
           {"only the usual", table("policy accept; " + established), "accepts", ""},
           {"closed", table(drop + established), "drops", "inet filter input policy drop"},
           {"this port is open", table(drop + established + "tcp dport 44224 accept"), "accepts", ""},
           {"another port is", table(drop + established + "tcp dport { 22, 443 } accept"), "drops", "policy drop"},
           {"a range with it", table(drop + "tcp dport 44000-45000 counter accept"), "accepts", ""},
           {"all but it", table("policy accept; tcp dport != 44224 accept; log prefix \"x\" drop"), "drops", "handle"},
           {"a named set",
            table(drop + "tcp dport @open accept", " set open { type inet_service; elements = { 44224 } }\n"),
            "accepts", ""},
           {"a named set without it", table(drop + "tcp dport @open accept", " set open { type inet_service; }\n"),
            "drops", "policy drop"},
           {"by a jump", table("policy accept; jump ports", " chain ports { tcp dport 44224 reject; }\n"), "rejects",
            "inet filter ports handle"},
           {"a jump that returns",
            table(drop + "jump ports; accept", " chain ports { tcp dport 44224 return; drop; }\n"), "accepts", ""},
           {"a goto that does not", table("policy accept; goto ports; drop", " chain ports { udp dport 1 drop; }\n"),
            "accepts", ""},
           {"from one network only", table(drop + "ip saddr 10.0.0.0/8 tcp dport 44224 accept"), "unknown", ""},
           {"from one card only", table("policy accept; iifname eth7 drop"), "unknown", "handle"},
           {"limited", table("policy accept; limit rate over 5/second drop"), "unknown", ""},
           {"another protocol", table("policy accept; udp dport 44224 drop; meta l4proto icmp drop"), "accepts", ""},
           {"IPv6 alone", "table ip6 filter { chain input { type filter hook input priority 0; policy drop; }; }",
            "accepts", ""},
           {"new ones", table("policy accept; ct state new tcp dport 44224 drop"), "drops", "handle"},
           {"known ones only", table("policy accept; ct state established tcp dport 44224 drop"), "accepts", ""},
           {"before routing",
            "table ip raw { chain pre { type filter hook prerouting priority -300; tcp dport 44224 drop; }; }", "drops",
            "ip raw pre handle"},
           {"the second of two",
            table("policy accept; accept") +
                "\ntable ip late { chain input { type filter hook input priority 10; policy drop; }; }",
            "drops", "ip late input policy drop"},
           {"on the way out", "table ip x { chain output { type filter hook output priority 0; policy drop; }; }",
            "accepts", ""},
       }) {
    const auto seen = filter_verdict(as_json(c.rules), coming_in);
    EXPECT_EQ(word(seen.ruling), c.ruling) << c.what << ": " << seen.rule;
    EXPECT_THAT(seen.rule, c.ruling == "accepts" ? testing::Matcher<std::string>(IsEmpty())
                                                 : testing::Matcher<std::string>(HasSubstr(c.rule)))
        << c.what;
  }
}

TEST(PacketFilter, FollowsTheWayOutToo) {
  if (!NetworkNamespace::available()) GTEST_SKIP() << "needs root for network namespaces";
  struct Case {
    std::string what, rules, ruling, rule;
  };
  const auto output = [](const std::string& rules) {
    return "table inet filter { chain output { type filter hook output priority 0; " + rules + "; }; }";
  };
  for (const auto& c : std::vector<Case>{
           {"no rules", "", "accepts", ""},
           {"closed", output("policy drop; oifname lo accept; ct state established accept"), "drops", "policy drop"},
           {"443 is open", output("policy drop; tcp dport { 80, 443 } accept"), "accepts", ""},
           {"443 is rejected", output("policy accept; tcp dport 443 reject with tcp reset"), "rejects", "handle"},
           {"what Azure's agent makes for the rest",
            "table ip security { chain OUTPUT { type filter hook output priority 150; policy accept;"
            " ip daddr 168.63.129.16 tcp dport 53 accept; ip daddr 168.63.129.16 meta skuid 0 accept;"
            " ip daddr 168.63.129.16 ct state new drop; }; }",
            "accepts", ""},
           {"all but the virtual network",
            output("policy accept; ip daddr { 10.0.0.0/8, 168.63.129.16, 172.16.0.0/12 } accept; tcp dport 443 drop"),
            "drops", "handle"},
           {"the virtual network alone", output("policy accept; ip daddr 10.1.0.0/16 drop"), "accepts", ""},
           {"more than private networks", output("policy accept; ip daddr 8.0.0.0/5 drop"), "unknown", "handle"},
           {"a network", output("policy accept; ip daddr 20.0.0.0/8 drop"), "unknown", "handle"},
           {"all but one address", output("policy accept; ip daddr != 10.0.0.9 drop"), "drops", "handle"},
           {"other users", output("policy accept; meta skuid != 0 drop"), "unknown", "handle"},
           {"after routing", "table ip x { chain p { type filter hook postrouting priority 0; policy drop; }; }",
            "drops", "ip x p policy drop"},
           {"on the way in", table("policy drop"), "accepts", ""},
       }) {
    const auto seen = filter_verdict(as_json(c.rules), going_out);
    EXPECT_EQ(word(seen.ruling), c.ruling) << c.what << ": " << seen.rule;
    EXPECT_THAT(seen.rule, HasSubstr(c.rule)) << c.what;
  }
}

// iptables' own words for the same, as the extensions that nft cannot read.
TEST(PacketFilter, NeverRulesOnAnExtensionThatItCannotRead) {
  for (const auto* verdict : {R"({"drop":null})", R"({"xt":{"type":"target","name":"DROP"}})"}) {
    const auto text =
        std::string(R"({"nftables":[{"chain":{"family":"ip","table":"filter","name":"INPUT","handle":1,)") +
        R"("type":"filter","hook":"input","prio":0,"policy":"accept"}},)" +
        R"({"rule":{"family":"ip","table":"filter","chain":"INPUT","handle":4,"expr":[)" +
        R"({"xt":{"type":"match","name":"owner"}},)" + verdict + "]}}]}";
    EXPECT_EQ(word(filter_verdict(text, coming_in).ruling), "unknown") << verdict;
  }
}

TEST(PacketFilter, BearsEveryOtherShape) {
  for (const std::string text :
       {"", "null", "[]", "{", R"({"nftables":7})", R"({"nftables":[1,{"rule":[]},{"chain":{}}]})",
        R"({"nftables":[{"rule":{"expr":[null,{"match":{}},{"jump":{}}]}}]})"})
    EXPECT_NE(word(filter_verdict(text, coming_in).ruling), "drops") << text;
  // Chains that jump in a circle: the kernel takes none, a file may hold them.
  const std::string circle =
      R"({"nftables":[{"chain":{"family":"ip","table":"t","name":"a","type":"filter","hook":"input","prio":0,"policy":"accept"}},)"
      R"({"rule":{"family":"ip","table":"t","chain":"a","handle":1,"expr":[{"jump":{"target":"a"}}]}}]})";
  EXPECT_EQ(word(filter_verdict(circle, coming_in).ruling), "unknown");
}

TEST(Commands, EndWithinTheirBounds) {
  EXPECT_EQ(output_of({"echo", "a  b"}, patient), "a  b\n");
  EXPECT_EQ(output_of({"sh", "-c", "echo no >&2; exit 0"}, patient), "");
  EXPECT_EQ(output_of({"false"}, patient), std::nullopt);
  EXPECT_EQ(output_of({"/nonexistent/program"}, patient), std::nullopt);
  EXPECT_EQ(output_of({"sh", "-c", "sleep 1000 & sleep 1000"}, 50ms), std::nullopt);
  EXPECT_EQ(output_of({"yes"}, patient), std::nullopt) << "more than the bound";
  std::string noise;
  const auto ending = run_command({.words = {"sh", "-c", "echo x >&2; exit 3"},
                                   .limit = patient,
                                   .errors_too = true,
                                   .take = [&](std::string_view piece) { return noise.append(piece), true; }});
  EXPECT_EQ(ending.exit_status, 3);
  EXPECT_EQ(noise, "x\n");
}

}  // namespace
}  // namespace vnetprobe::packet_filter_test
