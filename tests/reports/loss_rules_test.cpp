#include "tests/support/evidence.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// A path that loses packets works: a second try tells a loss from a rule, and no loss is ever more than a note.
namespace vnetprobe::loss_rules_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Observation repeated(Observation connection, int times = 1) {
  std::get<TcpObservation>(connection.seen).retransmissions = times;
  return connection;
}

Check answered(int number, int retransmissions) {
  const auto host = fmt::format("ok{}.contoso.com", number), address = fmt::format("20.9.9.{}", number);
  return check("target.ok" + std::to_string(number), "https://" + host + "/",
               {dns(host + " -> " + address), repeated(tcp(address + ":443"), retransmissions),
                tls(address + ":443", host), http("https://" + host + "/", 200)},
               Service::user);
}

std::vector<Check> beside(Check first, int lossy, int all = 12) {
  std::vector<Check> checks{std::move(first)};
  for (int i = 0; i < all; ++i) checks.push_back(answered(i, i < lossy ? 1 : 0));
  return checks;
}

const std::string host = "a.contoso.com", at_a = "20.1.1.1:443";

// Silent at first; of five further connections so many are made.
Check silent(int made, int tried = 5) {
  std::vector<Observation> seen{dns(host + " -> 20.1.1.1"), repeated(tcp_silent(at_a), 2)};
  for (int i = 0; i < tried; ++i) seen.push_back(follow_up(i < made ? tcp(at_a) : tcp_silent(at_a), "five more"));
  return check("target.a", "https://" + host + "/", std::move(seen), Service::user);
}

std::vector<std::string> notes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& one : made.diagnoses)
    if (one.severity == Severity::info) found.push_back(one.code);
  return found;
}

TEST(Loss, ASilenceThatDoesNotComeAgainIsANoteWhereOtherPacketsAreLostToo) {
  const auto lost = diagnosed(beside(silent(5), 1));
  EXPECT_THAT(codes(lost), IsEmpty());
  EXPECT_THAT(notes(lost), Contains("tcp.loss"));
  EXPECT_EQ(check_of(lost, "target.a").verdict, Verdict::inconclusive) << "nothing above TCP was tried";
  EXPECT_EQ(exit_status(lost), 0);
  EXPECT_THAT(codes(diagnosed(beside(silent(4), 4))), IsEmpty()) << "most of them, on a path that is lossy";
}

TEST(Loss, ASilenceThatComesAgainIsNone) {
  EXPECT_THAT(codes(diagnosed(beside(silent(0), 12))), ElementsAre("tcp.dropped_remote"));
  EXPECT_THAT(codes(diagnosed(beside(silent(2), 12))), ElementsAre("tcp.timeout")) << "one server of several is dead";
  EXPECT_THAT(codes(diagnosed(beside(silent(5), 0))), ElementsAre("tcp.timeout"))
      << "nothing else is lost: somebody picks connections out";
  auto only_there = silent(0, 0);
  for (int i = 0; i < 5; ++i) only_there.observations.push_back(follow_up(repeated(tcp(at_a)), "five more"));
  EXPECT_THAT(codes(diagnosed(beside(only_there, 0))), ElementsAre("tcp.timeout")) << "this target's own matter";
}

Check two_addresses(std::vector<Observation> further) {
  std::vector<Observation> seen{dns(host + " -> 20.1.1.1, 20.1.1.2"), repeated(tcp_silent(at_a), 2),
                                tcp("20.1.1.2:443"), tls("20.1.1.2:443", host), http("https://" + host + "/", 200)};
  for (auto& one : further) seen.push_back(follow_up(std::move(one), "five more"));
  return check("target.a", "https://" + host + "/", std::move(seen), Service::user);
}

TEST(Loss, OneSilentAddressOfTwoIsTriedAgainAndBlamedOnlyIfItStaysSilent) {
  const auto asks = [](const Check& made) {
    std::vector<FollowUpKind> kinds;
    for (const auto& question : next_questions(made)) kinds.push_back(question.kind);
    return kinds;
  };
  EXPECT_THAT(asks(two_addresses({})), ElementsAre(FollowUpKind::tcp_again));
  EXPECT_THAT(asks(two_addresses({tcp_silent(at_a)})), IsEmpty()) << "once";
  EXPECT_THAT(codes(diagnosed(beside(two_addresses({}), 3))), IsEmpty()) << "a lossy path, and nobody tried again";
  EXPECT_THAT(codes(diagnosed(beside(two_addresses({tcp(at_a), tcp(at_a)}), 1))), IsEmpty());
  const auto dead = diagnosed(beside(two_addresses({tcp_silent(at_a), tcp_silent(at_a)}), 12));
  EXPECT_THAT(codes(dead), ElementsAre("tcp.timeout"));
  EXPECT_EQ(check_of(dead, "target.a").verdict, Verdict::warn);
  EXPECT_THAT(codes(diagnosed(beside(two_addresses({}), 0))), ElementsAre("tcp.timeout"));
}

TEST(Loss, AnEndpointThatAnswersTheSecondTimeIsNotUnreachable) {
  const std::string blob = "acct.blob.core.windows.net";
  const auto endpoint = [&](int made) {
    std::vector<Observation> seen{dns(blob + " -> acct.privatelink.blob.core.windows.net -> 10.0.1.5"),
                                  tcp_silent("10.0.1.5:443")};
    for (int i = 0; i < 5; ++i)
      seen.push_back(follow_up(i < made ? tcp("10.0.1.5:443") : tcp_silent("10.0.1.5:443"), "five more"));
    return expects_private(check("storage.blob/acct", "https://" + blob + "/", std::move(seen), Service::storage_blob));
  };
  EXPECT_THAT(codes(diagnosed(beside(endpoint(5), 2))), IsEmpty());
  EXPECT_THAT(codes(diagnosed(beside(endpoint(0), 2))), ElementsAre("private_endpoint.unreachable"));
}

std::vector<FollowUpKind> across(const std::vector<Check>& checks, std::size_t about) {
  std::vector<FollowUpKind> kinds;
  for (const auto& one : cross_questions(checks))
    if (one.check == about) kinds.push_back(one.question.kind);
  return kinds;
}

Check handshake(bool answered_again) {
  return check("target.a", "https://" + host + "/",
               {dns(host + " -> 20.1.1.1"), tcp(at_a), tls_failed(at_a, host, TlsFailure::timed_out),
                follow_up(tcp(at_a), "again"),
                follow_up(answered_again ? tls(at_a, host) : tls_failed(at_a, host, TlsFailure::timed_out), "again")},
               Service::user);
}

TEST(Loss, WhatWasLostIsClimbedAfreshAndWhatFailsAgainIsNot) {
  EXPECT_THAT(across(beside(silent(5), 2), 0), Contains(FollowUpKind::afresh));
  EXPECT_THAT(across(beside(silent(5), 0), 0), Not(Contains(FollowUpKind::afresh)));
  EXPECT_THAT(across(beside(silent(0), 2), 0), Not(Contains(FollowUpKind::afresh)));
  EXPECT_THAT(across({handshake(true)}, 0), Contains(FollowUpKind::afresh));
  EXPECT_THAT(across({handshake(false)}, 0), Not(Contains(FollowUpKind::afresh)));
  auto known = handshake(true);
  for (const auto& one : cross_questions({known}))
    if (one.question.kind == FollowUpKind::afresh)
      known.observations.push_back(follow_up(tcp_silent(at_a), one.question.because));
  EXPECT_THAT(across({known}, 0), Not(Contains(FollowUpKind::afresh))) << "once";
}

// A ServerHello and then garbage, every time: that it began to answer again is no answer.
TEST(Loss, AHandshakeThatBreaksOffAtTheSamePlaceAgainIsNoLoss) {
  const auto broken = [](TlsFailure how) {
    auto failed = tls_failed(at_a, host, how);
    std::get<TlsObservation>(failed.seen).server_hello_received = true;
    return failed;
  };
  const auto always = check("target.a", "https://" + host + "/",
                            {dns(host + " -> 20.1.1.1"), tcp(at_a), broken(TlsFailure::protocol),
                             follow_up(tcp(at_a), "again"), follow_up(broken(TlsFailure::protocol), "again")},
                            Service::user);
  EXPECT_THAT(across({always}, 0), Not(Contains(FollowUpKind::afresh)));
  const auto seen = diagnosed({always});
  EXPECT_THAT(codes(seen), ElementsAre("tls.not_tls"));
  EXPECT_EQ(check_of(seen, "target.a").verdict, Verdict::fail);

  auto once = always;
  once.observations.back() = follow_up(tls(at_a, host), "again");
  EXPECT_THAT(codes(diagnosed({once})), IsEmpty());
}

TEST(Loss, TheSecondClimbIsTheOneThatCounts) {
  const auto first = std::string(first_attempt) + "the connection got no answer, and further ones were made";
  const auto seen = diagnosed(
      {check("target.a", "https://" + host + "/",
             {dns(host + " -> 20.1.1.1"), follow_up(tcp_silent(at_a), first), follow_up(tcp(at_a), "five more"),
              tcp(at_a), tls(at_a, host), http("https://" + host + "/", 200)},
             Service::user)});
  EXPECT_THAT(codes(seen), IsEmpty());
  EXPECT_THAT(notes(seen), ElementsAre("tcp.loss"));
  EXPECT_EQ(check_of(seen, "target.a").verdict, Verdict::pass);
}

}  // namespace
}  // namespace vnetprobe::loss_rules_test
