#include "agent/run/without_secrets.hpp"

#include "reports/json/report_json.hpp"
#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace vnetprobe::without_secrets_test {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

TEST(WithoutSecrets, WhatAServerEchoesAndAUserWritesIsTakenOut) {
  auto answer = http("https://a.test/", 400, {{"X-Debug", "AccountKey=hunter2hunter2hunter2=="}},
                     R"({"debug":"Authorization: Bearer hunter2-0123456789abcdef"})");
  std::get<HttpObservation>(answer.seen).reason = "Bad sv=1&sig=hunter2hunter2%3D";
  auto handshake = tls("20.1.1.1:443", "a.test");
  std::get<TlsObservation>(handshake.seen).chain.front().subject = "CN=https://user:hunter2@a.test";
  std::vector<Check> checks{
      check("target.a", "https://a.test/?access_token=hunter2&subscription-key=hunter2", {handshake, answer})};
  take_secrets_out(checks);
  const auto written = boost::json::serialize(to_json(report(checks)));
  EXPECT_THAT(written, Not(HasSubstr("hunter2")));
  EXPECT_THAT(written, HasSubstr("20.1.1.1"));
}

TEST(WithoutSecrets, WhatIsNoneStays) {
  const auto seen =
      check("target.a", "https://a.test/page?x=1",
            {dns("a.test -> a.privatelink.test -> 20.1.1.1"), tcp("20.1.1.1:443"), tls("20.1.1.1:443", "a.test"),
             http("https://a.test/", 403, {{"Server", "Windows-Azure-Blob/1.0"}, {"x-ms-request-id", "abc-1"}},
                  "<Error><Code>AuthenticationFailed</Code><Message>Make sure the value of Authorization "
                  "header is formed correctly including the signature.</Message></Error>")});
  std::vector<Check> checks{seen};
  take_secrets_out(checks);
  EXPECT_EQ(to_json(report(checks)), to_json(report({seen})));
}

}  // namespace
}  // namespace vnetprobe::without_secrets_test
