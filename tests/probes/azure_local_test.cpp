#include "probes/imds.hpp"
#include "probes/wireserver.hpp"
#include "tests/support/child.hpp"
#include "tests/support/scripted_peer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace vnetprobe::azure_local_test {
namespace {

using namespace std::chrono_literals;
using test::ScriptedPeer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Socket = asio::ip::tcp::socket;

constexpr auto patient = 20s;    // never reached where an answer comes
constexpr auto silence = 300ms;  // long enough to be sure that loopback had its say

constexpr std::string_view instance =
    R"({"compute":{"azEnvironment":"AzurePublicCloud","customData":"secret","location":"westus","name":"node","offer":"ubuntu",)"
    R"("osProfile":{"adminUsername":"secret"},"osType":"Linux","publisher":"canonical","resourceGroupName":"example-rg","sku":"22_04",)"
    R"("subscriptionId":"00000000-0000-0000-0000-000000000000","tags":"secret:secret","vmId":"00000000-0000-0000-0000-000000000001",)"
    R"("vmScaleSetName":"","vmSize":"Standard_A3","zone":""},"network":{"interface":[{"ipv4":{"ipAddress":[)"
    R"({"privateIpAddress":"10.144.133.132","publicIpAddress":""},{"privateIpAddress":"10.144.133.133","publicIpAddress":"20.1.2.3"}],)"
    R"("subnet":[{"address":"10.144.133.128","prefix":"26"}]},"ipv6":{"ipAddress":[{"privateIpAddress":"fd00::4"}]},)"
    R"("macAddress":"0011AAFFBB22"}]}})";

TEST(ReadInstance, TakesTheNodesOwnFieldsOnly) {
  ImdsObservation seen;
  ASSERT_TRUE(read_instance(instance, seen));
  EXPECT_EQ(seen.environment, "AzurePublicCloud");
  EXPECT_EQ(seen.location, "westus");
  EXPECT_EQ(seen.name, "node");
  EXPECT_EQ(seen.resource_group, "example-rg");
  EXPECT_EQ(seen.subscription, "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(seen.vm_id, "00000000-0000-0000-0000-000000000001");
  EXPECT_EQ(seen.vm_size, "Standard_A3");
  EXPECT_EQ(seen.os_type, "Linux");
  EXPECT_EQ(seen.publisher, "canonical");
  EXPECT_EQ(seen.offer, "ubuntu");
  EXPECT_EQ(seen.sku, "22_04");
  EXPECT_FALSE(seen.scale_set.has_value());
  EXPECT_FALSE(seen.zone.has_value());
  EXPECT_THAT(seen.private_addresses, ElementsAre("10.144.133.132", "10.144.133.133", "fd00::4"));
  EXPECT_THAT(seen.public_addresses, ElementsAre("20.1.2.3"));
  EXPECT_THAT(seen.subnets, ElementsAre("10.144.133.128/26"));
  EXPECT_THAT(seen.mac_addresses, ElementsAre("0011AAFFBB22"));
}

TEST(ReadInstance, BearsEveryOtherShape) {
  struct Case {
    std::string body;
    bool object;
  };
  std::string crowd = R"({"network":{"interface":[)";
  for (int n = 0; n < 1000; ++n)
    crowd += R"({"macAddress":"00","ipv4":{"subnet":[{"address":"10.0.0.0","prefix":"24"}]}},)";
  crowd += "{}]}}";
  for (
      const auto& c : std::vector<Case>{
          {"", false},
          {"null", false},
          {"[]", false},
          {"\"text\"", false},
          {"<html></html>", false},
          {std::string(instance.substr(0, instance.size() / 2)), false},
          {std::string(100'000, '['), false},
          {std::string(instance) + "x", false},
          {"{}", true},
          {R"({"compute":[],"network":7})", true},
          {R"({"compute":{"location":5,"name":null,"zone":{}},"network":{"interface":{"ipv4":1}}})", true},
          {R"({"network":{"interface":[1,null,[],{"ipv4":[],"ipv6":"x","macAddress":1},{"ipv4":{"subnet":[{"address":"10.0.0.0"}]}}]}})",
           true},
          {crowd, true},
      }) {
    ImdsObservation seen;
    EXPECT_EQ(read_instance(c.body, seen), c.object) << c.body.substr(0, 100);
    EXPECT_FALSE(seen.location.has_value()) << c.body.substr(0, 100);
    EXPECT_LE(seen.mac_addresses.size(), 32U);
    EXPECT_LE(seen.subnets.size(), 32U);
  }
}

ScriptedPeer::Script say(std::string answer, std::string* asked = nullptr) {
  return [answer, asked](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    if (asked) *asked = request;
    co_await test::write_all(socket, answer);
  };
}

std::string ok(std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\n\r\n{}", headers, body.size(), body);
}

ImdsObservation ask(asio::io_context& io, std::uint16_t port, std::chrono::milliseconds limit = patient) {
  return test::run(io, observe_imds(fmt::format("http://127.0.0.1:{}/", port), limit));
}

TEST(ImdsProbe, AsksAsTheServiceWantsToBeAsked) {
  asio::io_context io;
  std::string asked;
  ScriptedPeer service(io, [&asked](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    asked += request;
    co_await test::write_all(socket, ok(instance));
  });
  const auto seen = ask(io, service.port());
  EXPECT_EQ(seen.error, std::nullopt) << seen.detail.value_or("");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.location, "westus");
  EXPECT_EQ(seen.url, fmt::format("http://127.0.0.1:{}/metadata/instance?api-version=2021-02-01", service.port()));
  EXPECT_EQ(seen.remote, (Endpoint{"127.0.0.1", service.port()}));
  EXPECT_FALSE(seen.tcp.has_value());
  EXPECT_THAT(asked, HasSubstr("GET /metadata/instance?api-version=2021-02-01 HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nMetadata: true\r\n"));
  EXPECT_THAT(asked, testing::Not(HasSubstr("X-Forwarded-For")));
}

TEST(ImdsProbe, LearnsWhetherThereIsAnIdentityAndNeverAsksForAToken) {
  struct Case {
    std::string answer;
    std::optional<bool> has_identity;
  };
  const auto status = [](int code, std::string_view body) {
    return fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\n\r\n{}", code, body.size(), body);
  };
  for (const auto& c : std::vector<Case>{
           {ok(R"({"tenantId":"00000000-0000-0000-0000-000000000000"})"), true},
           {status(400, R"({"error":"invalid_request","error_description":"Identity not found"})"), false},
           {status(400, R"({"error":"invalid_request","error_description":"Required query variable missing"})"), {}},
           {status(404, "<html>"), {}},
           {ok("<html>a page</html>"), {}},
           {status(429, ""), {}},
           {"", {}},
       }) {
    asio::io_context io;
    std::string asked;
    ScriptedPeer service(io, [&](Socket socket) -> asio::awaitable<void> {
      const std::string request = co_await test::read_request(socket);
      asked += request;
      std::string answer = ok(instance);
      if (request.find("/metadata/identity/") != std::string::npos) answer = c.answer;
      co_await test::write_all(socket, answer);
    });
    const auto seen = ask(io, service.port());
    EXPECT_EQ(seen.error, std::nullopt) << c.answer;
    EXPECT_EQ(seen.has_identity, c.has_identity) << c.answer;
    EXPECT_THAT(asked, testing::Not(HasSubstr("token")));
  }
}

TEST(ImdsProbe, SaysWhatAnsweredInsteadOfTheService) {
  struct Case {
    std::string what;
    ScriptedPeer::Script script;
    std::string error;
    int status;
    std::string detail;
    std::chrono::milliseconds limit = patient;
  };
  const auto failing = [](int status, std::string_view body) {
    return say(fmt::format("HTTP/1.1 {} No\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body));
  };
  const auto endless = [](std::string head) -> ScriptedPeer::Script {
    return [head](Socket socket) -> asio::awaitable<void> {
      co_await test::read_request(socket);
      co_await test::write_all(socket, head);
      for (;;) co_await test::write_all(socket, std::string(64U << 10, ' '));
    };
  };
  const auto drip = [](std::string text) -> ScriptedPeer::Script {
    return [text](Socket socket) -> asio::awaitable<void> {
      co_await test::read_request(socket);
      for (const char c : text) {
        co_await test::write_all(socket, std::string(1, c));
        co_await sleep_for(10ms);
      }
    };
  };
  for (const auto& c : std::vector<Case>{
           {"a web page", say(ok("<html><title>Sign in</title></html>", "Content-Type: text/html\r\n")), "not_json",
            200, "Sign in"},
           {"half a document", say(ok(instance.substr(0, 200))), "not_json", 200, "azEnvironment"},
           {"a document that breaks off",
            say(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}", instance.substr(0, 200))), "closed",
            200, "after 200 bytes"},
           {"not HTTP", say("SSH-2.0-x\r\n"), "not_json", 0, ""},
           {"a proxy that hands on", say(ok(instance, "Via: 1.1 proxy\r\n")), "via_proxy", 200, ""},
           {"a proxy that refuses",
            say("HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Length: 0\r\n\r\n"),
            "via_proxy", 403, ""},
           {"a proxy that wants a password", say("HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n"), "via_proxy", 407, ""},
           {"a bad request", failing(400, R"({"error":"Bad request. api-version is invalid"})"), "http_status", 400,
            "api-version is invalid"},
           {"nothing there", failing(404, ""), "http_status", 404, ""},
           {"too many requests", failing(429, "Too many requests"), "http_status", 429, "Too many"},
           {"trouble", failing(500, ""), "http_status", 500, ""},
           {"a portal", say("HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\nContent-Length: 0\r\n\r\n"),
            "not_json", 302, ""},
           {"a web server's page", failing(403, "<html><h1>403 Forbidden</h1></html>"), "not_json", 403, "Forbidden"},
           {"the host's own page",
            say("HTTP/1.1 503 x\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 6\r\n\r\n<html>"), "http_status",
            503, ""},
           {"a gigabyte announced", endless("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"), "too_big", 200,
            ""},
           {"a body to no end", endless("HTTP/1.1 200 OK\r\n\r\n"), "too_big", 200, ""},
           {"a header to no end", endless("HTTP/1.1 200 OK\r\nX: "), "too_big", 0, ""},
           {"closed at once", say(""), "closed", 0, ""},
           {"a byte now and then", drip("HTTP/1.1 200 OK\r\nServer: " + std::string(1000, 's')), "timed_out", 0, "",
            silence},
           {"a body byte now and then", drip("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + std::string(900, ' ')),
            "timed_out", 200, "", 2 * silence},
       }) {
    asio::io_context io;
    ScriptedPeer service(io, c.script);
    const auto started = Clock::now();
    const auto seen = ask(io, service.port(), c.limit);
    ASSERT_TRUE(seen.error) << c.what;
    EXPECT_STREQ(boost::describe::enum_to_string(*seen.error, "?"), c.error.c_str()) << c.what;
    EXPECT_EQ(seen.status, c.status) << c.what;
    EXPECT_THAT(seen.detail.value_or(""), HasSubstr(c.detail)) << c.what;
    EXPECT_FALSE(seen.location.has_value()) << c.what;
    EXPECT_LT(Clock::now() - started, patient) << c.what;
  }
}

TEST(ImdsProbe, AsksOnceMoreWhereTheServiceWantsToBeAskedLater) {
  for (const int status : {410, 429, 500, 404}) {
    asio::io_context io;
    int asked = 0;
    ScriptedPeer service(io, [&](Socket socket) -> asio::awaitable<void> {
      const std::string request = co_await test::read_request(socket);
      const bool first = request.find("/metadata/instance") != std::string::npos && ++asked == 1;
      std::string answer = ok(instance);
      if (first) answer = fmt::format("HTTP/1.1 {} Later\r\nContent-Length: 0\r\n\r\n", status);
      co_await test::write_all(socket, answer);
    });
    const auto seen = ask(io, service.port());
    EXPECT_EQ(seen.location.has_value(), status != 404) << status;
    EXPECT_EQ(asked, status == 404 ? 1 : 2) << status;
  }
}

TEST(ImdsProbe, KeepsTheConnectionThatFailed) {
  asio::io_context io;
  const auto seen = ask(io, test::free_port());
  EXPECT_EQ(seen.error, ImdsFailure::refused);
  ASSERT_TRUE(seen.tcp);
  EXPECT_EQ(seen.tcp->errno_name, "ECONNREFUSED");
}

TEST(ImdsProbe, TakesAnAddressOnly) {
  asio::io_context io;
  for (const auto* endpoint : {"http://metadata.test", "https://127.0.0.1", "127.0.0.1", ""}) {
    const auto seen = test::run(io, observe_imds(endpoint, patient));
    EXPECT_EQ(seen.error, ImdsFailure::unreachable) << endpoint;
    EXPECT_TRUE(seen.detail) << endpoint;
  }
}

TEST(WireserverProbe, ReadsTheVersionsOfBothDoors) {
  struct Case {
    std::string what, path, answer;
    std::vector<std::string> versions;
    int status;
  };
  std::string crowd;
  for (int n = 0; n < 1000; ++n) crowd += "<Version>2012-11-30</Version>";
  for (const auto& c : std::vector<Case>{
           {"agent's door",
            "/?comp=versions",
            ok("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Versions>\n  <Preferred>\n    "
               "<Version>2015-04-05</Version>\n  </Preferred>\n"
               "  <Supported>\n    <Version>2012-11-30</Version>\n  </Supported>\n</Versions>"),
            {"2015-04-05", "2012-11-30"},
            200},
           {"host plugin's door", "/versions", ok(R"(["2015-09-01"])"), {"2015-09-01"}, 200},
           {"half an XML document", "/", ok("<Versions><Version>2015"), {}, 200},
           {"half a JSON document", "/", ok(R"(["2015-09-01")"), {}, 200},
           {"other JSON", "/", ok(R"([1,{"a":[]}])"), {}, 200},
           {"a refusal", "/", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", {}, 403},
           {"a crowd", "/", ok(crowd), std::vector<std::string>(32, "2012-11-30"), 200},
       }) {
    asio::io_context io;
    std::string asked;
    ScriptedPeer service(io, say(c.answer, &asked));
    const Endpoint remote{"127.0.0.1", service.port()};
    const auto seen = test::run(io, observe_wireserver("http://168.63.129.16" + c.path, remote, patient));
    EXPECT_EQ(seen.error, std::nullopt) << c.what;
    EXPECT_EQ(seen.status, c.status) << c.what;
    EXPECT_EQ(seen.versions, c.versions) << c.what;
    EXPECT_EQ(seen.uid, ::geteuid()) << c.what;
    EXPECT_THAT(asked, HasSubstr("GET " + c.path + " HTTP/1.1\r\nHost: 168.63.129.16\r\n")) << c.what;
  }
}

TEST(WireserverProbe, BoundsConnectionAndAnswerTogether) {
  asio::io_context io;
  ScriptedPeer silent(io, [](Socket socket) -> asio::awaitable<void> { co_await test::wait_for_end(socket); });
  const Endpoint remote{"127.0.0.1", silent.port()};
  const auto seen = test::run(io, observe_wireserver("http://168.63.129.16/?comp=versions", remote, silence));
  EXPECT_EQ(seen.tcp.error, std::nullopt);
  EXPECT_EQ(seen.error, HttpFailure::timed_out);
  const Endpoint nobody{"127.0.0.1", test::free_port()};
  const auto refused = test::run(io, observe_wireserver("http://168.63.129.16/?comp=versions", nobody, patient));
  EXPECT_EQ(refused.tcp.error, TcpFailure::refused);
  EXPECT_EQ(refused.error, std::nullopt);
}

}  // namespace
}  // namespace vnetprobe::azure_local_test
