#include "agent/discovery/proxy_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::proxy_choice_test {
namespace {

using Environment = std::map<std::string, std::string>;

// "host:port from source", or "direct".
std::string way(const Environment& environment, std::string_view scheme, const std::string& host,
                const Setting<std::string>& proxy = {}) {
  const auto chosen = choose_proxy(proxy, environment, scheme, host, 443);
  if (!chosen) return "direct";
  return to_string(Endpoint{.address = chosen->address.host, .port = chosen->address.port}) + " from " + chosen->source;
}

struct Case {
  const char* name;
  Environment environment;
  std::string_view scheme;
  std::string host;
  std::string expected;
};

TEST(ProxyChoice, ReadsTheEnvironmentAsCurlDoes) {
  for (const auto& c : std::vector<Case>{
           {"nothing set", {}, "https", "x.com", "direct"},
           {"lower case wins",
            {{"https_proxy", "http://a:1"}, {"HTTPS_PROXY", "http://b:2"}},
            "https",
            "x.com",
            "a:1 from environment: https_proxy"},
           {"upper case", {{"HTTPS_PROXY", "http://b:2"}}, "https", "x.com", "b:2 from environment: HTTPS_PROXY"},
           {"empty counts as unset",
            {{"https_proxy", ""}, {"ALL_PROXY", "c:3"}},
            "https",
            "x.com",
            "c:3 from environment: ALL_PROXY"},
           {"http ignores the upper case name", {{"HTTP_PROXY", "http://a:1"}}, "http", "x.com", "direct"},
           {"http has its own",
            {{"http_proxy", "a:1"}, {"https_proxy", "b:2"}},
            "http",
            "x.com",
            "a:1 from environment: http_proxy"},
           {"wss goes as https", {{"https_proxy", "b:2"}}, "wss", "x.com", "b:2 from environment: https_proxy"},
           {"tls goes as https", {{"https_proxy", "b:2"}}, "tls", "x.com", "b:2 from environment: https_proxy"},
           {"plain tcp has none", {{"all_proxy", "b:2"}}, "tcp", "x.com", "direct"},
           {"no port",
            {{"https_proxy", "http://proxy/"}},
            "https",
            "x.com",
            "proxy:1080 from environment: https_proxy"},
           {"IPv6",
            {{"https_proxy", "http://[fd00::1]:3128"}},
            "https",
            "x.com",
            "[fd00::1]:3128 from environment: https_proxy"},
           {"socks", {{"https_proxy", "socks5://a:1"}}, "https", "x.com", "direct"},
           {"garbage", {{"https_proxy", "http://a b:\x01"}}, "https", "x.com", "direct"},
       })
    EXPECT_EQ(way(c.environment, c.scheme, c.host), c.expected) << c.name;
}

TEST(ProxyChoice, NeverAsksThePlatformOrLoopbackThroughAProxy) {
  for (const auto* host : {"169.254.169.254", "168.63.129.16", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost",
                           "LOCALHOST.", "jupyter.localhost"})
    for (const Setting<std::string>& proxy : {Setting<std::string>{}, Setting<std::string>{{"http://p:1", "c:1"}}})
      EXPECT_EQ(way({{"http_proxy", "p:1"}, {"https_proxy", "p:1"}}, "http", host, proxy), "direct") << host;
}

TEST(ProxyChoice, FollowsASettingBeforeTheEnvironment) {
  const Environment environment{{"https_proxy", "http://a:1"}, {"no_proxy", "inside.com"}};
  EXPECT_EQ(way(environment, "https", "x.com", Setting<std::string>{{"none", "c:1"}}), "direct");
  EXPECT_EQ(way(environment, "https", "x.com", Setting<std::string>{{"environment", "c:1"}}),
            "a:1 from environment: https_proxy");
  EXPECT_EQ(way(environment, "https", "x.com", Setting<std::string>{{"http://b:2", "c:1"}}), "b:2 from c:1");
  EXPECT_EQ(way(environment, "https", "inside.com", Setting<std::string>{{"http://b:2", "c:1"}}), "direct");
}

TEST(ProxyChoice, HonoursNoProxy) {
  struct {
    const char* list;
    const char* host;
    bool bypassed;
  } const cases[] = {
      {"*", "x.com", true},
      {" * ", "x.com", true},
      {"x.com", "x.com", true},
      {"x.com", "a.x.com", true},
      {"x.com", "ax.com", false},
      {".x.com", "x.com", true},
      {".x.com", "a.X.com.", true},
      {"x.com.", "x.com", true},
      {"a.com,x.com", "x.com", true},
      {"a.com x.com", "x.com", true},
      {",,", "x.com", false},
      {"x.com:443", "x.com", false},
      {"*.x.com", "a.x.com", false},
      {"10.0.0.0/8", "10.1.2.3", true},
      {"10.0.0.0/8", "11.1.2.3", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"1.2.3", "10.1.2.3", false},
      {"10.0.0.0/99", "10.1.2.3", false},
      {"10.0.0.0/", "10.1.2.3", false},
      {"fd00::/8", "fd00::1", true},
      {"[fd00::1]", "fd00::1", true},
      {"", "x.com", false},
  };
  for (const auto& c : cases) EXPECT_EQ(bypasses_proxy(c.list, c.host), c.bypassed) << c.list << " for " << c.host;
}

TEST(ProxyChoice, DecodesCredentials) {
  const auto proxy = parse_proxy("http://us%65r:p%40ss@w%zz@proxy.contoso.com:3128/path");
  ASSERT_TRUE(proxy.has_value());
  EXPECT_EQ(proxy->credentials, "user:p@ss@w%zz");
  EXPECT_EQ(proxy->host, "proxy.contoso.com");
  EXPECT_EQ(proxy->port, 3128);
}

TEST(ProxyChoice, TellsWhichVariablesItCannotFollowWithoutTheirValue) {
  EXPECT_THAT(
      proxy_problems({}, {{"https_proxy", "socks5://me:hunter2@a:1"}, {"http_proxy", "a:1"}}),
      testing::ElementsAre("environment: https_proxy: not an HTTP proxy (http://host:port), so requests were made "
                           "directly"));
  EXPECT_THAT(proxy_problems(Setting<std::string>{{"none", "c:1"}}, {{"https_proxy", "socks5://a:1"}}),
              testing::IsEmpty());
}

}  // namespace
}  // namespace vnetprobe::proxy_choice_test
