#include "agent/delivery/answers.hpp"
#include "agent/delivery/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::delivery::delivery_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Message message(std::string verdict, std::vector<std::string> codes = {}) {
  return {.id = "1", .verdict = std::move(verdict), .codes = std::move(codes)};
}

TEST(DeliveryPolicy, AChangeIsOfTheVerdictOrOfTheDiagnosesWhateverTheirOrder) {
  const LastSeen before{.verdict = "unhealthy", .codes = {"a.b", "c.d"}};
  EXPECT_TRUE(is_wanted(DeliverWhen::change, message("healthy"), std::nullopt)) << "the first report";
  EXPECT_FALSE(is_wanted(DeliverWhen::change, message("unhealthy", {"c.d", "a.b"}), before));
  EXPECT_TRUE(is_wanted(DeliverWhen::change, message("unhealthy", {"a.b"}), before));
  EXPECT_TRUE(is_wanted(DeliverWhen::change, message("degraded", {"a.b", "c.d"}), before));
  EXPECT_TRUE(is_wanted(DeliverWhen::always, message("unhealthy", {"a.b", "c.d"}), before));
  EXPECT_TRUE(is_wanted(DeliverWhen::unhealthy, message("inconclusive"), before));
  EXPECT_FALSE(is_wanted(DeliverWhen::unhealthy, message("healthy"), before));
}

TEST(DeliveryPolicy, BacksOffUpToAnHourAndNeverBelowWhatTheReceiverAsks) {
  EXPECT_EQ(back_off(1, 0, {}), 5s);
  EXPECT_EQ(back_off(2, 0, {}), 10s);
  EXPECT_EQ(back_off(3, 0.5, {}), 25s);
  EXPECT_EQ(back_off(1'000'000, 0, {}), 3600s);
  EXPECT_EQ(back_off(1'000'000, 0.999, {}), std::chrono::seconds(static_cast<long>(3600 * 1.4995)));
  EXPECT_EQ(back_off(1, 0, 900s), 900s);
  EXPECT_EQ(back_off(1, 0, std::chrono::hours(24 * 365)), std::chrono::hours(24));
}

TEST(DeliveryPolicy, DropsTheOldestHealthyOneFirstAndNeverTheNewest) {
  const std::vector<Kept> kept{{"1", false, 10}, {"2", true, 10}, {"3", false, 10}, {"4", true, 10}, {"5", true, 10}};
  EXPECT_THAT(to_drop(kept, {.count = 5, .bytes = 100}), IsEmpty());
  EXPECT_THAT(to_drop(kept, {.count = 4, .bytes = 100}), ElementsAre("2"));
  EXPECT_THAT(to_drop(kept, {.count = 2, .bytes = 100}), ElementsAre("2", "4", "1"));
  EXPECT_THAT(to_drop(kept, {.count = 5, .bytes = 25}), ElementsAre("2", "4", "1"));
  EXPECT_THAT(to_drop(kept, {.count = 0, .bytes = 0}), ElementsAre("2", "4", "1", "3"));
}

TEST(Answers, SayWhetherTheReportArrivedWaitsOrWasRefused) {
  struct Row {
    int status;
    Outcome outcome;
  };
  for (const auto& [status, outcome] :
       {Row{200, Outcome::delivered}, Row{201, Outcome::delivered}, Row{204, Outcome::delivered},
        Row{301, Outcome::refused}, Row{400, Outcome::refused}, Row{401, Outcome::refused}, Row{403, Outcome::refused},
        Row{404, Outcome::refused}, Row{408, Outcome::retry}, Row{413, Outcome::refused}, Row{429, Outcome::retry},
        Row{500, Outcome::retry}, Row{502, Outcome::retry}, Row{503, Outcome::retry}})
    EXPECT_EQ(judge({.status = status}, "x").outcome, outcome) << status;
  EXPECT_EQ(judge({.problem = "10.0.0.9:443: ECONNREFUSED"}, "x").outcome, Outcome::retry);
  EXPECT_THAT(judge({.status = 302}, "x").says, HasSubstr("redirect"));
}

TEST(Answers, RetryAfterIsANumberOrADate) {
  const std::chrono::sys_seconds now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 15}};
  EXPECT_EQ(retry_after("120", now), 120s);
  EXPECT_EQ(retry_after("Sun, 15 Mar 2026 00:02:00 GMT", now), 120s);
  EXPECT_EQ(retry_after("Sat, 14 Mar 2026 00:00:00 GMT", now), 0s);
  for (const auto* nonsense : {"", "-1", "soon", "12x", "99999999999999999999999"})
    EXPECT_FALSE(retry_after(nonsense, now)) << nonsense;
}

// What `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` prints.
TEST(Webhook, SignsTimestampAndBody) {
  EXPECT_EQ(signature("key", "1700000000", "{}"), "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
  EXPECT_EQ(signature("key", "1700000000", "{}").size(), 64U);
  EXPECT_NE(signature("key", "1700000000", "{}"), signature("key", "1700000001", "{}"));
  EXPECT_NE(signature("key", "1700000000", "{}"), signature("other", "1700000000", "{}"));
}

TEST(Sinks, AreNamedWithoutWhatMayBeASecret) {
  Delivery sink{.kind = DeliveryKind::blob, .destination = "https://user:pw@acct.blob.core.windows.net/c?sv=1&sig=abc"};
  EXPECT_EQ(key_of(sink), "blob https://acct.blob.core.windows.net/c");
  sink.destination = "https://acct.blob.core.windows.net/c?sv=2&sig=renewed";
  EXPECT_EQ(key_of(sink), "blob https://acct.blob.core.windows.net/c") << "a renewed SAS is the same sink";
}

}  // namespace
}  // namespace vnetprobe::delivery::delivery_test
