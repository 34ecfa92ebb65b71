#include "probes/host/files.hpp"

#include "probes/text.hpp"
#include "tests/support/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace vnetprobe::host_files_test {
namespace {

using test::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Printable, EscapesControlsAndWhatIsNotUtf8AndNothingElse) {
  struct Case {
    std::string text, expected;
  };
  for (const auto& c : std::vector<Case>{
           {"plain, ünïcödé, 漢字 😀", "plain, ünïcödé, 漢字 😀"},
           {"\x1b[31m\n\x7f", "\\x1b[31m\\x0a\\x7f"},
           {"\xc2\x9b", "\\xc2\\x9b"},
           {"\xff", "\\xff"},
           {"\xc0\xaf", "\\xc0\\xaf"},
           {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
           {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
           {"cut \xe6\xbc", "cut \\xe6\\xbc"},
       })
    EXPECT_EQ(printable(c.text), c.expected);
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(ReadFile, IsBoundedAndNeverBlocks) {
  const TemporaryDirectory root;
  root.write("/etc/big", std::string(5000, 'x'));
  const auto cut = read_file(root.path(), "/etc/big", 4999);
  EXPECT_TRUE(cut.cut);
  EXPECT_EQ(cut.text.size(), 4999U);
  EXPECT_FALSE(read_file(root.path(), "/etc/big", 5000).cut);
  EXPECT_EQ(read_file(root.path(), "/etc/none").error, HostFailure::not_found);
  EXPECT_EQ(read_file(root.path(), "/etc/none").detail, "/etc/none: No such file or directory");
  ASSERT_EQ(::mkfifo((root.path() / "etc/fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(root.path(), "/etc/fifo").error, HostFailure::not_readable);
  EXPECT_EQ(read_file(root.path(), "/etc").error, HostFailure::not_readable);
  EXPECT_THAT(read_file("/", "/proc/self/status").text, HasSubstr("Pid:"))
      << "files that claim to be empty are read too";
}

TEST(ResolvConf, IsReadAsTheLibcReadsIt) {
  const auto config = resolvers_in(
      "# comment\n"
      "; comment\n"
      "search old.test\n"
      "nameserver 10.0.0.4   # first\n"
      "\tnameserver\tfe80::1%1\r\n"
      "nameserver not-an-address\n"
      "nameserver\n"
      "nameserver 127.0.0.1\n"
      "search a.test  b.test\n"
      "options ndots:2 timeout:1\n"
      "options rotate",
      "/x");
  ASSERT_EQ(config.servers.size(), 3U);
  EXPECT_EQ(config.servers[0].endpoint, (Endpoint{"10.0.0.4", 53}));
  EXPECT_EQ(config.servers[0].source, "/x:4");
  EXPECT_FALSE(config.servers[0].stub);
  EXPECT_EQ(config.servers[1].source, "/x:5");
  EXPECT_TRUE(config.servers[2].stub);
  EXPECT_THAT(config.search, ElementsAre("a.test", "b.test"));
  EXPECT_THAT(config.options, ElementsAre("ndots:2", "timeout:1", "rotate"));
}

TEST(HostsFile, NamesWholeNamesInAnyCase) {
  constexpr auto text =
      "127.0.0.1 localhost\n"
      "10.0.0.5\tAcct.Blob.test  alias # acct2.test\n"
      "nonsense acct.blob.test\n"
      "\n"
      "fd00::5 other acct.blob.test\r\n"
      "10.0.0.6";
  const auto lines = hosts_lines_in(text, "/etc/hosts", "acct.blob.TEST");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].address, "10.0.0.5");
  EXPECT_EQ(lines[0].line, 2);
  EXPECT_EQ(lines[1].address, "fd00::5");
  EXPECT_EQ(lines[1].line, 5);
  for (const char* name : {"blob.test", "acct2.test", "10.0.0.6", "", "#"})
    EXPECT_THAT(hosts_lines_in(text, "/etc/hosts", name), IsEmpty()) << name;
}

std::vector<std::string> settings(std::string_view text, ProxySyntax syntax) {
  std::vector<std::string> result;
  for (const auto& setting : proxies_in(text, syntax, "f"))
    result.push_back(setting.variable + "=" + setting.value + " " + setting.source +
                     (setting.has_credentials ? " credentials" : ""));
  return result;
}

TEST(ProxyFiles, AreReadInTheirOwnSyntax) {
  struct Case {
    std::string what;
    ProxySyntax syntax;
    std::string text;
    std::vector<std::string> expected;
  };
  using enum ProxySyntax;
  for (const auto& c : std::vector<Case>{
           {"plain", environment, "PATH=/bin\nhttp_proxy=http://p:3128\n", {"http_proxy=http://p:3128 f:2"}},
           {"quotes and capitals",
            environment,
            "HTTPS_PROXY=\"http://p:1/\"\nNO_PROXY='a, b'\n",
            {"https_proxy=http://p:1/ f:1", "no_proxy=a, b f:2"}},
           {"comments and empty values", environment, "#http_proxy=x\nhttp_proxy=\nhttp_proxy\n=x\n", {}},
           {"export",
            shell,
            "  export http_proxy=http://p:1 NO_PROXY='a,b' # x\n",
            {"http_proxy=http://p:1 f:1", "no_proxy=a,b f:1"}},
           {"assignment, then export",
            shell,
            "http_proxy=\"http://p:1\"; export http_proxy",
            {"http_proxy=http://p:1 f:1"}},
           {"a variable of the file",
            shell,
            "P=http://p:1\nexport https_proxy=$P http_proxy=\"${P}/\"\n",
            {"https_proxy=http://p:1 f:2", "http_proxy=http://p:1/ f:2"}},
           {"an unknown variable", shell, "export http_proxy=${HOST}:1\n", {"http_proxy=${HOST}:1 f:1"}},
           {"single quotes", shell, "P=x\nhttp_proxy='$P'\n", {"http_proxy=$P f:2"}},
           {"behind then and &&",
            shell,
            "if true; then export http_proxy=a; fi\ntrue && export https_proxy=b\n",
            {"http_proxy=a f:1", "https_proxy=b f:2"}},
           {"not an assignment",
            shell,
            "echo http_proxy=a\ncurl -x http_proxy=b\n# http_proxy=c\nalias x='http_proxy=d y'\n",
            {}},
           {"continued lines",
            shell,
            "export \\\n  http_proxy=a\nexport https_proxy=b\n",
            {"http_proxy=a f:1", "https_proxy=b f:3"}},
           {"a service's environment",
            systemd,
            "[Service]\nEnvironment=\"HTTP_PROXY=http://p:1\" 'NO_PROXY=a b' X=y\nEnvironmentFile=/x http_proxy=z\n",
            {"http_proxy=http://p:1 f:2", "no_proxy=a b f:2"}},
           {"the manager's environment",
            systemd,
            "DefaultEnvironment = https_proxy=p \\\n http_proxy=q\n#Environment=http_proxy=z\n",
            {"https_proxy=p f:1", "http_proxy=q f:1"}},
           {"apt",
            apt,
            "Acquire::http::Proxy \"http://u:p@p:1/\";\nacquire::HTTPS::proxy  \"x\" ;\n// Acquire::http::Proxy "
            "\"y\";\n"
            "Acquire::http::Proxy::host \"DIRECT\";\n",
            {"http_proxy=http://p:1/ f:1 credentials", "https_proxy=x f:2"}},
       })
    EXPECT_EQ(settings(c.text, c.syntax), c.expected) << c.what;
}

TEST(ProxyFiles, NeverKeepCredentials) {
  struct Case {
    std::string value, expected;
  };
  for (const auto& c : std::vector<Case>{
           {"http://user:secret@p:3128/", "http://p:3128/"},
           {"user:secret@p:3128", "p:3128"},
           {"http://user:se/cr@et@p:3128", "http://p:3128"},
           {"http://user:secret://x@p", "http://p"},
           {"//user:secret@p", "p"},
           {"http://user:sec\x1bret@p", "http://p"},
       }) {
    const auto setting = proxy_setting("HTTPS_PROXY", c.value, "process");
    ASSERT_TRUE(setting);
    EXPECT_EQ(setting->value, c.expected);
    EXPECT_TRUE(setting->has_credentials);
    EXPECT_EQ(setting->variable, "https_proxy");
  }
  const auto assembled = proxies_in("U=user P=secret\nexport http_proxy=http://$U:$P@p:1\n", ProxySyntax::shell, "f");
  ASSERT_EQ(assembled.size(), 1U);
  EXPECT_EQ(assembled[0].value, "http://p:1");
  EXPECT_FALSE(proxy_setting("HTTP_PROXY_X", "a", "process"));
}

TEST(OsRelease, IsReadWithAndWithoutQuotes) {
  constexpr auto text = "PRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID='22.04'\n";
  EXPECT_EQ(os_release_value(text, "ID"), "ubuntu");
  EXPECT_EQ(os_release_value(text, "VERSION_ID"), "22.04");
  EXPECT_EQ(os_release_value(text, "PRETTY_NAME"), "Ubuntu 22.04.4 LTS");
  EXPECT_FALSE(os_release_value(text, "NAME"));
}

}  // namespace
}  // namespace vnetprobe::host_files_test
