#include "agent/daemon/http_request.hpp"
#include "agent/daemon/probe_request.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::daemon_http_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(RequestHead, IsReadWithItsQueryTokenAndPatience) {
  const auto read = read_request_head(
      "GET /probe?target=https%3A%2F%2Fpypi.org%2Fsimple%2F&module=http&target=b HTTP/1.1\r\nHost: x\r\n"
      "authorization: bearer s3cret\r\nX-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n\r\n");
  EXPECT_EQ(read.refusal, 0) << read.why;
  EXPECT_EQ(read.request.path, "/probe");
  EXPECT_THAT(read.request.query,
              ElementsAre(Pair("target", "https://pypi.org/simple/"), Pair("module", "http"), Pair("target", "b")));
  EXPECT_EQ(read.token, "s3cret");
  EXPECT_EQ(read.request.patience, 9500ms);
  EXPECT_FALSE(read.head_only);
}

struct Bad {
  const char* name;
  std::string text;
  int status;
};

TEST(RequestHead, WhatCannotBeServedIsRefusedWithItsStatus) {
  const std::string host = "Host: x\r\n";
  for (const auto& [name, text, status] : {
           Bad{"another method", "POST / HTTP/1.1\r\n" + host + "\r\n", 405},
           Bad{"a method of nobody", "BREW /pot HTTP/1.1\r\n" + host + "\r\n", 405},
           Bad{"no HTTP", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
           Bad{"nothing", "", 400},
           Bad{"half a head", "GET / HTTP/1.1\r\nHost:", 400},
           Bad{"a huge head", "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x'), 431},
           Bad{"a huge target", "GET /" + std::string(9000, 'x'), 431},
           Bad{"no path", "GET http://elsewhere/ HTTP/1.1\r\n" + host + "\r\n", 400},
           Bad{"many parameters",
               [] {
                 std::string query = "GET /?";
                 for (int i = 0; i < 100; ++i) query += "a=b&";
                 return query + " HTTP/1.1\r\nHost: x\r\n\r\n";
               }(),
               400},
       })
    EXPECT_EQ(read_request_head(text).refusal, status) << name;
}

TEST(RequestHead, ABodyThatFollowsDoesNotMakeTheHeadWrong) {
  EXPECT_EQ(read_request_head("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").refusal, 0);
}

TEST(RequestHead, APatienceThatIsNoNumberIsNone) {
  for (const char* text : {"", "x", "-1", "1e9", "nan"})
    EXPECT_EQ(read_request_head(
                  fmt::format("GET / HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: {}\r\n\r\n", text))
                  .request.patience,
              0ms)
        << text;
}

TEST(RequestHead, WhoAcceptsJsonAndNoPageGetsJson) {
  const auto wants_json = [](const std::string& accept) {
    return read_request_head("GET /report HTTP/1.1\r\nHost: x\r\nAccept: " + accept + "\r\n\r\n").request.wants_json;
  };
  EXPECT_TRUE(wants_json("application/json"));
  EXPECT_FALSE(wants_json("*/*"));
  EXPECT_FALSE(wants_json("text/html,application/json;q=0.5"));
}

TEST(WrittenPage, HasItsLengthAndForHeadNoBody) {
  const Page page{.body = "ok\n"};
  EXPECT_THAT(written_page(page, false), testing::EndsWith("\r\n\r\nok\n"));
  const auto head = written_page(page, true);
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(written_page({.status = 405}, false), HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(written_page({.status = 401}, false), HasSubstr("WWW-Authenticate: Bearer\r\n"));
}

ServerOptions options(std::string address, bool tls, bool token) {
  return {.listen = {.address = std::move(address), .port = 9798},
          .certificate_file = tls ? "/c" : "",
          .key_file = tls ? "/k" : "",
          .token = token ? "t" : ""};
}

TEST(Listening, APublicAddressNeedsTlsAndTokenAPrivateOneARemark) {
  for (const char* everywhere : {"0.0.0.0", "::", "20.42.65.84", "2603:1030::1", "169.254.3.4"}) {
    EXPECT_NE(judge_listening(options(everywhere, false, false)).refusal, "") << everywhere;
    EXPECT_NE(judge_listening(options(everywhere, true, false)).refusal, "") << everywhere;
    EXPECT_NE(judge_listening(options(everywhere, false, true)).refusal, "") << everywhere;
    EXPECT_EQ(judge_listening(options(everywhere, true, true)).refusal, "") << everywhere;
  }
  for (const char* inside : {"10.0.0.5", "192.168.1.1", "fd00::5"}) {
    EXPECT_EQ(judge_listening(options(inside, false, false)).refusal, "") << inside;
    EXPECT_NE(judge_listening(options(inside, false, false)).remark, "") << inside;
    EXPECT_EQ(judge_listening(options(inside, true, true)).remark, "") << inside;
  }
  for (const char* own : {"127.0.0.1", "127.0.0.53", "::1"}) {
    EXPECT_EQ(judge_listening(options(own, false, false)).refusal, "") << own;
    EXPECT_EQ(judge_listening(options(own, false, false)).remark, "") << own;
  }
}

class ProbeRequests : public testing::Test {
 protected:
  ProbeRequest ask(std::string target, std::string module = "", std::chrono::milliseconds patience = 0ms) const {
    PageRequest request{.path = "/probe", .query = {}, .patience = patience};
    if (!target.empty()) request.query.emplace_back("target", target);
    if (!module.empty()) request.query.emplace_back("module", module);
    return read_probe_request(request, {.targets = targets, .check_ids = ids, .any_target = any});
  }

  std::vector<UserTarget> targets{{.name = "pypi", .url = "https://pypi.org/simple/"},
                                  {.name = "sql", .tcp = "db.contoso.local:1433"}};
  std::vector<std::string> ids{"storage.blob/mystorage", "target.pypi"};
  bool any{};
};

TEST_F(ProbeRequests, AConfiguredTargetIsNamedByNameUrlOrCheck) {
  for (const char* name : {"pypi", "https://pypi.org/simple/", "target.pypi"})
    EXPECT_THAT(ask(name).arguments, ElementsAre("--deadline=10000ms", "--only=target.pypi")) << name;
  EXPECT_THAT(ask("storage.blob/mystorage").arguments,
              ElementsAre("--deadline=10000ms", "--only=storage.blob/mystorage"));
}

TEST_F(ProbeRequests, AnotherTargetIsRefusedUnlessAllowed) {
  for (const char* other : {"https://elsewhere.example/", "elsewhere.example:22", "169.254.169.254:80"}) {
    EXPECT_EQ(ask(other).refusal, 403) << other;
    EXPECT_THAT(ask(other).why, HasSubstr("probe_any"));
  }
  any = true;
  EXPECT_THAT(ask("https://elsewhere.example/").arguments,
              ElementsAre("--deadline=10000ms", "--target=https://elsewhere.example/", "--only=target.*"));
}

TEST_F(ProbeRequests, TheModuleSaysHow) {
  any = true;
  struct Case {
    const char *target, *module, *wanted;
  };
  for (const auto& [target, module, wanted] :
       {Case{"pypi", "tcp", "--target=pypi.org:443"},
        Case{"http://a.example:8080/x", "tcp_connect", "--target=a.example:8080"},
        Case{"http://[fd00::1]/", "tcp", "--target=[fd00::1]:80"},
        Case{"a.example:8080", "http_2xx", "--target=http://a.example:8080/"},
        Case{"https://a.example/ws", "websocket", "--target=wss://a.example/ws"},
        Case{"a.example:22", "tcp", "--target=a.example:22"}}) {
    const auto probe = ask(target, module);
    ASSERT_EQ(probe.refusal, 0) << probe.why;
    EXPECT_EQ(probe.arguments.at(1), wanted) << target << " " << module;
  }
}

TEST_F(ProbeRequests, WhatIsWrongIsSaid) {
  any = true;
  EXPECT_EQ(ask("").refusal, 400);
  EXPECT_EQ(ask("pypi", "icmp").refusal, 400);
  EXPECT_THAT(ask("pypi", "icmp").why, HasSubstr("tcp, http and websocket"));
  EXPECT_EQ(ask("ftp://a.example/").refusal, 400);
  EXPECT_EQ(ask("https://user:pass@a.example/").refusal, 400);
  EXPECT_THAT(ask("https://user:pass@a.example/").why, testing::Not(HasSubstr("pass@")));
  EXPECT_EQ(ask("--config=/etc/shadow").refusal, 400);
}

TEST_F(ProbeRequests, AnswersBeforePrometheusGivesUp) {
  EXPECT_EQ(ask("pypi", "", 5000ms).arguments.front(), "--deadline=4500ms");
  EXPECT_EQ(ask("pypi", "", 600ms).arguments.front(), "--deadline=1000ms");
}

}  // namespace
}  // namespace vnetprobe::daemon_http_test
