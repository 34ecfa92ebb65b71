#include "probes/dns_message.hpp"

#include "tests/probes/dns_wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::dns_message_test {
namespace {

using test::Bytes;
using test::Message;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DnsObservation read(const Bytes& message, const std::string& name = "a.test", const std::string& question = "A") {
  DnsObservation seen{.name = name, .via = DnsVia::server};
  seen.question = question;
  read_answer(message, seen);
  return seen;
}

std::string error_of(const DnsObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

TEST(DnsMessage, FollowsTheChainOfAliasesToItsAddresses) {
  const auto seen = read(Message{}
                             .cname("A.test", "a.privatelink.test")
                             .a("elsewhere.test", {9, 9, 9, 9})
                             .cname("a.privatelink.test", "b.test")
                             .a("b.test", {10, 0, 1, 5})
                             .a("b.test", {10, 0, 1, 6})
                             .a("b.test", {10, 0, 1, 5})
                             .bytes());
  EXPECT_EQ(error_of(seen), "");
  EXPECT_EQ(seen.rcode, "NOERROR");
  EXPECT_TRUE(seen.recursion_available);
  EXPECT_FALSE(seen.authoritative);
  EXPECT_THAT(seen.addresses, ElementsAre("10.0.1.5", "10.0.1.6"));
  ASSERT_EQ(seen.answers.size(), 6U);
  EXPECT_EQ(seen.answers[0].type, "CNAME");
  EXPECT_EQ(seen.answers[0].data, "a.privatelink.test");
  EXPECT_EQ(seen.answers[0].ttl, 300U);
}

TEST(DnsMessage, ReadsCompressedNamesAndIpv6) {
  auto message = Message{.question_type = 28};
  message.section = {0xC0, 12, 0, 28, 0, 1, 0, 0, 0, 5, 0, 16, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
  message.records = 1;
  const auto seen = read(message.bytes(), "a.test", "AAAA");
  EXPECT_EQ(error_of(seen), "");
  EXPECT_THAT(seen.addresses, ElementsAre("fd00::7"));
}

TEST(DnsMessage, TellsEveryRcodeApart) {
  struct Case {
    unsigned rcode;
    std::string name, error;
  };
  for (const auto& c : std::vector<Case>{{0, "NOERROR", ""},
                                         {1, "RCODE1", "other_rcode"},
                                         {2, "SERVFAIL", "servfail"},
                                         {3, "NXDOMAIN", "nxdomain"},
                                         {5, "REFUSED", "refused"},
                                         {9, "RCODE9", "other_rcode"}}) {
    const auto seen = read(Message{.flags = test::answer_flags | c.rcode}.bytes());
    EXPECT_EQ(seen.rcode, c.name);
    EXPECT_EQ(error_of(seen), c.error) << c.name;
  }
}

TEST(DnsMessage, KeepsTheChainThatEndsInNxdomain) {
  const auto seen = read(Message{.flags = 0x8583}.cname("a.test", "a.privatelink.test").bytes());
  EXPECT_EQ(error_of(seen), "nxdomain");
  EXPECT_TRUE(seen.authoritative);
  EXPECT_EQ(seen.answers.size(), 1U);
}

TEST(DnsMessage, ToleratesMixedCaseAndAnErrorWithoutItsQuestion) {
  EXPECT_EQ(error_of(read(Message{.question = "A.tESt"}.bytes())), "");
  EXPECT_EQ(error_of(read(Message{.flags = 0x8185, .questions = 0}.bytes())), "refused");
}

TEST(DnsMessage, IsMalformedWithAReason) {
  auto cut = Message{}.a("a.test", {1, 2, 3, 4}).bytes();
  cut.resize(cut.size() - 2);
  Bytes pointer_loop = Message{.records = 1}.bytes();
  pointer_loop.insert(pointer_loop.end(), {0xC0, 24, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4});
  Bytes forward = Message{.records = 1}.bytes();
  forward.insert(forward.end(), {0xC0, 26, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4});
  struct Case {
    std::string what;
    Bytes message;
    std::string detail;
    std::string error = "malformed";
  };
  for (const auto& c : std::vector<Case>{
           {"nothing", {}, "0 bytes"},
           {"half a header", {0, 1, 0x81}, "3 bytes"},
           {"a query", Message{.flags = 0x0100}.bytes(), "a query"},
           {"another name", Message{.question = "b.test"}.bytes(), "another question: b.test"},
           {"another type", Message{.question_type = 28}.bytes(), "type 28"},
           {"two questions", Message{.questions = 2}.bytes(), "2 questions"},
           {"no question", Message{.questions = 0}.bytes(), "0 questions"},
           {"a cut record", cut, "record 1 of 1"},
           {"fewer records than counted", Message{.records = 2}.a("a.test", {1, 2, 3, 4}).bytes(), "record 2 of 2"},
           {"an address of three bytes", Message{}.a("a.test", {1, 2, 3}).bytes(), "record 1 of 1"},
           {"a pointer to itself", pointer_loop, "record 1 of 1"},
           {"a pointer ahead", forward, "record 1 of 1"},
           {"an alias of itself", Message{}.cname("a.test", "a.test").bytes(), "loop: a.test -> a.test", "alias_loop"},
           {"a circle of aliases", Message{}.cname("a.test", "b.test").cname("b.test", "A.test").bytes(),
            "loop: a.test -> b.test -> a.test", "alias_loop"},
       }) {
    const auto seen = read(c.message);
    EXPECT_EQ(error_of(seen), c.error) << c.what;
    EXPECT_THAT(seen.detail.value_or(""), HasSubstr(c.detail)) << c.what;
    EXPECT_THAT(seen.addresses, IsEmpty()) << c.what;
  }
}

TEST(DnsMessage, TakesWhatATruncatedAnswerStillHolds) {
  auto cut = Message{.flags = 0x8380}.a("a.test", {1, 2, 3, 4}).a("a.test", {1, 2, 3, 5}).bytes();
  cut.resize(cut.size() - 3);
  const auto seen = read(cut);
  EXPECT_EQ(error_of(seen), "");
  EXPECT_TRUE(seen.truncated);
  EXPECT_THAT(seen.addresses, ElementsAre("1.2.3.4"));
}

TEST(DnsMessage, KeepsSixtyFourRecordsAndCountsTheRest) {
  Message message;
  for (unsigned n = 0; n < 200; ++n) message.a("a.test", {10, 0, 0, static_cast<unsigned char>(n)});
  const auto seen = read(message.bytes());
  EXPECT_EQ(error_of(seen), "");
  EXPECT_EQ(seen.answers.size(), 64U);
  EXPECT_EQ(seen.answers_left_out, 136);
}

TEST(DnsMessage, EscapesWhatIsNoPlainTextInANameAndNamesOtherTypesByNumber) {
  const auto seen =
      read(Message{}.cname("a.test", "x\x1b[31m\xff y.test").raw("a.test", 16, {3, 'a', 'b', 'c'}).bytes());
  EXPECT_EQ(error_of(seen), "");
  ASSERT_EQ(seen.answers.size(), 2U);
  EXPECT_EQ(seen.answers[0].data, "x\\027[31m\\255\\032y.test");
  EXPECT_EQ(seen.answers[1].type, "TYPE16");
}

}  // namespace
}  // namespace vnetprobe::dns_message_test
