#include "probes/http_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace vnetprobe::http_facts_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// The denial of Storage as it comes over the wire, byte-order mark included.
constexpr std::string_view storage_denial =
    "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthorizationFailure</Code><Message>This "
    "request is not "
    "authorized to perform this "
    "operation.\nRequestId:c124206c-a01e-0078-7aba-6ad074000000\nTime:2025-01-19T21:35:32.9150125Z"
    "</Message></Error>";

TEST(ServiceErrorCode, IsFoundWhereEachServiceWritesIt) {
  struct Case {
    std::string service;
    std::vector<HttpHeader> headers;
    std::string body, code;
  };
  for (
      const auto& c : std::vector<Case>{
          {"storage, header", {{"X-Ms-Error-Code", "NoAuthenticationInformation"}}, "", "NoAuthenticationInformation"},
          {"storage, XML after a BOM", {}, std::string(storage_denial), "AuthorizationFailure"},
          {"storage, header before body", {{"x-ms-error-code", "A"}}, "<Code>B</Code>", "A"},
          {"table",
           {},
           R"({"odata.error":{"code":"AuthorizationFailure","message":{"lang":"en-US","value":"no"}}})",
           "AuthorizationFailure"},
          {"key vault firewall",
           {},
           R"({"error":{"code":"Forbidden","message":"Client address is not authorized and caller is not a trusted service.\r\n)"
           R"(Client address: 20.1.2.3\r\nCaller: appid=...","innererror":{"code":"ForbiddenByFirewall"}}})",
           "ForbiddenByFirewall"},
          {"innermost", {}, R"({"error":{"code":"a","innererror":{"code":"b","innererror":{"code":"c"}}}})", "c"},
          {"inner error without code", {}, R"({"error":{"code":"a","innererror":{"type":"b"}}})", "a"},
          {"AML's spelling",
           {},
           R"({"error":{"code":"UserError","innerError":{"code":"PrivateLink","innerError":null}}})",
           "PrivateLink"},
          {"AML private link",
           {},
           R"({"error":{"code":"UserError","message":"Access to workspace was denied based on workspace private link configuration."}})",
           "UserError"},
          {"registry",
           {},
           R"({"errors":[{"code":"DENIED","message":"client with IP '20.1.2.3' is not allowed access."}]})",
           "DENIED"},
          {"ARM",
           {},
           R"({"error":{"code":"AuthenticationFailed","message":"The 'Authorization' header is missing."}})",
           "AuthenticationFailed"},
          {"Batch",
           {},
           R"({"odata.metadata":"https://a/$metadata#Error","code":"AuthenticationFailed"})",
           "AuthenticationFailed"},
          {"JSON after BOM and blanks", {}, "\xEF\xBB\xBF\r\n {\"error\":{\"code\":\"x\"}}", "x"},
          {"Azure Firewall", {}, "Action: Deny. Reason: No rule matched. Proceeding with default action.", ""},
          {"an HTML page", {}, "<html><body><code>403</code></body></html>", ""},
          {"half a document", {}, R"({"error":{"code":"Auth)", ""},
          {"half an element", {}, "<Error><Code>Auth", ""},
          {"a number", {}, R"({"error":{"code":403}})", ""},
          {"an array", {}, R"([{"code":"x"}])", ""},
          {"an empty list", {}, R"({"errors":[]})", ""},
          {"nothing", {}, "", ""},
          {"an endless code", {}, "<Code>" + std::string(5000, 'a') + "</Code>", ""},
          {"control characters", {}, "<Code>a\x1b[31mb</Code>", "a\\x1b[31mb"},
          {"deeper than anybody writes", {}, std::string(10'000, '{'), ""},
          {"arrays to no end", {}, "{\"a\":" + std::string(10'000, '[') + "}", ""},
      })
    EXPECT_EQ(service_error_code(c.headers, c.body).value_or(""), c.code) << c.service;
}

TEST(BodyExcerpt, IsOneBoundedPrintableLineWithoutSecrets) {
  struct Case {
    std::string what, body, excerpt;
  };
  for (const auto& c : std::vector<Case>{
           {"line breaks", "a\r\n\tb\n\nc", "a b c"},
           {"byte-order mark", "\xEF\xBB\xBFtext", "text"},
           {"control characters", std::string("a\0b\x1b[2Jc\x7f", 9), "a\\x00b\\x1b[2Jc\\x7f"},
           {"Latin-1", "caf\xE9", "caf\\xe9"},
           {"UTF-8", "caf\xC3\xA9 \xE2\x82\xAC", "caf\xC3\xA9 \xE2\x82\xAC"},
           {"a SAS", "see https://a/b?sv=1&sig=abc%2Bd%3D&se=2", "see https://a/b?sv=1&sig=[redacted]&se=2"},
           {"a SAS in XML", "<Url>https://a/b?sv=1&amp;sig=abc&amp;se=2</Url>",
            "<Url>https://a/b?sv=1&amp;sig=[redacted]&amp;se=2</Url>"},
           {"a SAS in JSON", R"({"url":"https://a/b?sv=1\u0026sig=abc\u0026se=2"})",
            R"({"url":"https://a/b?sv=1\u0026sig=[redacted]\u0026se=2"})"},
           {"a token", R"({"access_token" : "eyJ0", "expires_in":"1"})",
            R"({"access_token" : "[redacted]", "expires_in":"1"})"},
           {"a refresh token", R"({"refresh_token":"abc"})", R"({"refresh_token":"[redacted]"})"},
           {"a key in JSON that is none", R"({"key":"abc"})", R"({"key":"abc"})"},
           {"an error code stays", R"({"error":{"code":"Forbidden"}})", R"({"error":{"code":"Forbidden"}})"},
           {"a word that ends like a secret", "design=1", "design=1"},
       })
    EXPECT_EQ(body_excerpt(c.body), c.excerpt) << c.what;
  EXPECT_EQ(body_excerpt(std::string(100'000, 'x')), fmt::format("{:x<1024}...", ""));
}

TEST(Headers, KeepNoSecretsAndNoMoreThanAKibibyte) {
  struct Case {
    std::string name, value, kept;
  };
  for (const auto& c : std::vector<Case>{
           {"Set-Cookie", "session=abc", "[redacted]"},
           {"AUTHORIZATION", "Bearer abc", "[redacted]"},
           {"Proxy-Authorization", "Basic abc", "[redacted]"},
           {"x-ms-authorization-auxiliary", "Bearer abc", "[redacted]"},
           {"Location", "https://u:p@login.test/?x=1&sig=abc", "https://login.test/?x=1&sig=[redacted]"},
           {"Location", "https://login.test/?next=https%3A%2F%2Fa%3Fsv%3D1%26sig%3Dabc%26se%3D2",
            "https://login.test/?next=https%3A%2F%2Fa%3Fsv%3D1%26sig%3D[redacted]%26se%3D2"},
           {"Location", "https://ci.test/?token=abc", "https://ci.test/?token=[redacted]"},
           {"WWW-Authenticate",
            "Bearer authorization_uri=https://login.test/t/oauth2/authorize resource_id=https://storage.azure.com",
            "Bearer authorization_uri=https://login.test/t/oauth2/authorize resource_id=https://storage.azure.com"},
           {"WWW-Authenticate", "Bearer realm=\"a\", token=\"abc\"", "Bearer realm=\"a\", token=\"[redacted]\""},
           {"x-api-key", "abc", "[redacted]"},
           {"Ocp-Apim-Subscription-Key", "abc", "[redacted]"},
           {"X-Refresh-Token", "abc", "[redacted]"},
           {"x-ms-keyvault-network-info", "conn_type=Ipv4;addr=10.0.0.4;act_addr_fam=InterNetwork;",
            "conn_type=Ipv4;addr=10.0.0.4;act_addr_fam=InterNetwork;"},
       })
    EXPECT_EQ(kept_header(c.name, c.value).value, c.kept) << c.name << ": " << c.value;
  EXPECT_EQ(kept_header("X", std::string(5000, 'v')).value.size(), 1024 + 3);
  EXPECT_LT(kept_header(std::string(5000, 'n'), "v").name.size(), 200U);
}

TEST(RedactedUrl, LosesUserPasswordAndSignature) {
  EXPECT_EQ(redacted_url("https://user:p%40ss@host.test:8443/a@b?sig=x"), "https://host.test:8443/a@b?sig=[redacted]");
  EXPECT_EQ(redacted_url("wss://host.test/api?session_id=1&token=t"),
            "wss://host.test/api?session_id=1&token=[redacted]");
  EXPECT_EQ(redacted_url("https://a.test/?key=abc&subscription-key=abc&sas=abc&keyboard=de"),
            "https://a.test/?key=[redacted]&subscription-key=[redacted]&sas=[redacted]&keyboard=de");
  EXPECT_EQ(redacted_url("not a url"), "not a url");
}

TEST(ClockOffset, ComparesWithTheMiddleOfTheSecond) {
  using namespace std::chrono;
  const sys_time<milliseconds> noon = sys_days{2025y / January / 19} + 21h + 35min + 32s;
  struct Case {
    std::string what;
    std::vector<HttpHeader> headers;
    std::optional<milliseconds> offset;
  };
  for (const auto& c : std::vector<Case>{
           {"the same second", {{"date", "Sun, 19 Jan 2025 21:35:32 GMT"}}, -500ms},
           {"node two hours ahead", {{"Date", "Sun, 19 Jan 2025 19:35:32 GMT"}}, 2h - 500ms},
           {"node a day behind", {{"Date", "Mon, 20 Jan 2025 21:35:32 GMT"}}, -24h - 500ms},
           {"RFC 850", {{"Date", "Sunday, 19-Jan-25 21:35:32 GMT"}}, -500ms},
           {"asctime", {{"Date", "Sun Jan 19 21:35:32 2025"}}, -500ms},
           {"a fresh copy", {{"Date", "Sun, 19 Jan 2025 21:35:32 GMT"}, {"Age", "0"}}, -500ms},
           {"a cache's old copy", {{"Date", "Sun, 19 Jan 2025 11:35:32 GMT"}, {"Age", "36000"}}, {}},
           {"another zone", {{"Date", "Sun, 19 Jan 2025 21:35:32 CET"}}, {}},
           {"garbage", {{"Date", "yesterday"}}, {}},
           {"something behind it", {{"Date", "Sun, 19 Jan 2025 21:35:32 GMT; x"}}, {}},
           {"empty", {{"Date", ""}}, {}},
           {"none", {}, {}},
       })
    EXPECT_EQ(clock_offset(c.headers, noon), c.offset) << c.what;
}

}  // namespace
}  // namespace vnetprobe::http_facts_test
