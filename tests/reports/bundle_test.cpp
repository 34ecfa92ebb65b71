#include "reports/bundle/anonymize.hpp"
#include "reports/bundle/redact.hpp"
#include "reports/diagnosis/codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::bundle::bundle_test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Row {
  const char* text;
  const char* secret;  // what must go; the rest of the text stays
};

TEST(Redactor, TakesTheSecretAndLeavesWhatStandsAroundIt) {
  for (const auto& [text, secret] : {
           Row{"GET /c/b?sv=1&sig=aB3%2FdeF4%3D&se=2026 HTTP/1.1", "aB3%2FdeF4%3D"},
           Row{"AccountName=a;AccountKey=QUJDREVGR0g5OTk5OTk5OQ==;EndpointSuffix=core", "QUJDREVGR0g5OTk5OTk5OQ=="},
           Row{"http_proxy=http://svc:s3cr3tPw@proxy:3128/ end", "s3cr3tPw"},
           Row{"{\"password\": \"s3 cr3t\", \"other\": 1}", "s3 cr3t"},
           Row{"password: 's3cr3t'\nnext: 1", "s3cr3t"},
           Row{"Authorization: Bearer abc.DEF123-x\nHost: a", "abc.DEF123-x"},
           Row{"//acct.file.core.windows.net/s /m cifs username=a,password=Zm9v+/9=,serverino 0 0", "Zm9v+/9="},
           Row{"curl -u admin:Hunter22 https://x", "Hunter22"},
           Row{"<CustomData>SGVsbG8gV29ybGQ5</CustomData>", "SGVsbG8gV29ybGQ5"},
           Row{"Set-Cookie: ARRAffinity=0a1B2c3D; Path=/", "0a1B2c3D"},
           Row{"MSI_SECRET=A1b2C3d4E5 rest", "A1b2C3d4E5"},
       }) {
    Redactor redactor;
    const auto done = redactor.redact(text).text;
    EXPECT_THAT(done, Not(HasSubstr(secret))) << text;
    EXPECT_THAT(done, HasSubstr("[redacted:")) << text;
  }
}

TEST(Redactor, LeavesWhatIsNoSecret) {
  for (const auto* text : {
           "passwd: files systemd",
           "password authentication is disabled",
           "the token expired, get a new one",
           "secret_file: /etc/vnetprobe/hook.key",
           "https://acct.blob.core.windows.net/c/b?sv=1&se=2026",
           "user@host:/path",
           "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           "168.63.129.16:80 HTTP/1.1 200",
           "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
           "credentials=/etc/smb.cred",
           "{\"password\": null, \"token\": \"\"}",
           "WWW-Authenticate: Bearer authorization_uri=\"https://login.microsoftonline.com/t\", "
           "error=\"invalid_token\"",
       })
    EXPECT_EQ(Redactor().redact(text).text, text);
}

// What a report says is in every bundle: none of our own sentences may look like a secret.
TEST(Redactor, LeavesTheTableOfCodesAsItIs) {
  for (const auto& entry : all_codes()) {
    std::vector<std::string> texts{entry.title, entry.explanation, entry.evidence, entry.misleads, entry.next_test};
    texts.insert(texts.end(), entry.alternatives.begin(), entry.alternatives.end());
    for (const auto& step : entry.fix) texts.insert(texts.end(), {step.text, step.command});
    for (const auto& text : texts) EXPECT_EQ(Redactor().redact(text).text, text) << entry.code;
  }
}

TEST(Redactor, KnowsASecretAgainWhereOnlyItsValueTellsIt) {
  Redactor redactor;
  const auto first = redactor.redact("DB_PASSWORD=Kd83hGg29dk2Lq").text;
  const auto token = first.substr(first.find('['));
  EXPECT_EQ(redactor.redact("retry with Kd83hGg29dk2Lq failed").text, "retry with " + token + " failed");
  using namespace std::string_literals;
  const auto environment = "A=1\0API_KEY=Zx81kQ0pLm22\0B=2"s;
  const auto lines = redactor.redact_environment(environment).text;
  EXPECT_THAT(lines, HasSubstr("A=1\n"));
  EXPECT_THAT(lines, HasSubstr("B=2\n"));
  EXPECT_THAT(lines, Not(HasSubstr("Zx81kQ0pLm22")));
}

TEST(Redactor, TakesOwnPatternsAndSaysWhatIsWrongWithOne) {
  Redactor redactor({"ticket-([0-9]+)"});
  EXPECT_THAT(redactor.redact("see ticket-4711.").text, HasSubstr("see ticket-[redacted:own_pattern#1]."));
  EXPECT_EQ(Redactor::pattern_error("ticket-([0-9]+)"), "");
  EXPECT_THAT(Redactor::pattern_error("("), HasSubstr("missing"));
  EXPECT_THAT(Redactor::pattern_error("x*"), HasSubstr("empty"));
}

Anonymizer anonymizer() {
  return Anonymizer("key", {{"workspace", "contoso-ml"}, {"host", "VM7"}, {"host", "ab"}},
                    [](const std::string& address) { return address == "20.60.0.1"; });
}

TEST(Anonymizer, KeepsPrefixesRangesAndEvidence) {
  auto hide = anonymizer();
  const auto a = hide.hide("10.1.4.7"), b = hide.hide("10.1.4.200"), net = hide.hide("10.1.4.0/24");
  EXPECT_NE(a, "10.1.4.7");
  EXPECT_EQ(a, hide.hide("10.1.4.7"));
  EXPECT_EQ(a.substr(0, a.rfind('.')), b.substr(0, b.rfind('.')));
  EXPECT_EQ(net, a.substr(0, a.rfind('.')) + ".0/24");
  EXPECT_TRUE(hide.hide("192.168.3.4").starts_with("192.168."));
  EXPECT_TRUE(hide.hide("172.17.0.2").starts_with("172."));
  for (const auto* kept :
       {"127.0.0.1", "169.254.169.254", "168.63.129.16", "0.0.0.0/0", "255.255.255.0", "::1", "fe80::1", "192.0.2.1",
        "20.60.0.1", "1.2.3.4.5", "12:34:56", "std::map", "ff:ff:ff:ff:ff:ff"})
    EXPECT_EQ(hide.hide(kept), kept);
  EXPECT_NE(hide.hide("2603:1030::7"), "2603:1030::7");
  EXPECT_NE(hide.hide("00:0d:3a:12:34:56"), "00:0d:3a:12:34:56");
}

TEST(Anonymizer, HidesNamesAsWholeWordsInAnyCase) {
  auto hide = anonymizer();
  EXPECT_EQ(hide.hide("https://Contoso-ML.workspace.eastus2.api.azureml.ms on vm7, not vm77 or ab"),
            "https://workspace-1.workspace.eastus2.api.azureml.ms on host-1, not vm77 or ab");
  EXPECT_EQ(hide.mapped().at("contoso-ml"), "workspace-1");
}

}  // namespace
}  // namespace vnetprobe::bundle::bundle_test
