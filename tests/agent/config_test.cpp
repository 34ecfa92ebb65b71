#include "agent/config/config_file.hpp"
#include "reports/model/nearest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace vnetprobe::config_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> messages;
  for (const auto& error : parse_config(text, "config.yaml").errors) messages.push_back(error.message);
  return messages;
}

Settings settings_of(std::string_view text) {
  auto read = parse_config(text, "config.yaml");
  for (const auto& error : read.errors) ADD_FAILURE() << error.message;
  return read.settings.value_or(Settings{});
}

constexpr std::string_view whole = R"(profile: compute-instance      # compute-instance | compute-cluster
cloud: public
era: "2026-03"
public_ip: false
region: eastus2
subscription: 00000000-0000-0000-0000-000000000000
workspace:
  name: my-workspace
  id: 11111111-1111-1111-1111-111111111111
  region: eastus2
  private_endpoint: true
instance: my-ci
storage_accounts:
  - {name: mystorage, services: [blob, queue, table, file], private_endpoint: true}
container_registry: {name: myacr, private_endpoint: false}
key_vault: {name: mykv}
outbound: limited
default_images: true
targets:
  - {name: pypi, url: "https://pypi.org/simple/", required: false}
  - {name: sql, tcp: "db.contoso.local:1433"}
  - {name: stream, websocket: "wss://stream.contoso.com/ws"}
tls: {ca_files: [/etc/ssl/contoso.pem], allow_interception: false}
proxy: environment
timeouts: {dns: 2s, tcp: 5s, tls: 5s, http: 10s, websocket: 10s}
deadline: 60s
service_tags: /var/lib/vnetprobe/service-tags.json
delivery:
  - {webhook: "https://hooks.contoso.com/vnet", secret_file: /etc/vnetprobe/hook.key, when: change}
  - {blob: "https://mystorage.blob.core.windows.net/reports?sv=…"}
  - {console: /dev/ttyS0}
daemon: {every: 15m, jitter: 10%, keep: 500, metrics: "127.0.0.1:9798"}
)";

TEST(Config, ReadsEveryKeyWithItsPlace) {
  const auto settings = settings_of(whole);
  EXPECT_EQ(settings.profile->value, Profile::compute_instance);
  EXPECT_EQ(settings.profile->source, "config.yaml:1");
  EXPECT_EQ(settings.era->value, Era::y2026_03);
  EXPECT_EQ(settings.public_ip->source, "config.yaml:4");
  EXPECT_EQ(settings.workspace_id->value, "11111111-1111-1111-1111-111111111111");
  EXPECT_EQ(settings.workspace_id->source, "config.yaml:9");
  EXPECT_TRUE(settings.workspace_private_endpoint->value.present);
  EXPECT_EQ(settings.instance->value, "my-ci");
  ASSERT_THAT(settings.storage_accounts, SizeIs(1));
  EXPECT_THAT(settings.storage_accounts[0].services, ElementsAre("blob", "queue", "table", "file"));
  EXPECT_TRUE(settings.storage_accounts[0].private_endpoint->present);
  EXPECT_EQ(settings.container_registry->value.name, "myacr");
  EXPECT_FALSE(settings.container_registry->value.private_endpoint->present);
  EXPECT_FALSE(settings.key_vault->value.private_endpoint.has_value());
  EXPECT_EQ(settings.outbound->value, Outbound::limited);
  ASSERT_THAT(settings.targets, SizeIs(3));
  EXPECT_FALSE(settings.targets[0].required);
  EXPECT_EQ(settings.targets[1].tcp, "db.contoso.local:1433");
  EXPECT_EQ(settings.targets[2].source, "config.yaml:22");
  EXPECT_EQ(settings.ca_files.at(0).value, "/etc/ssl/contoso.pem");
  EXPECT_EQ(settings.timeouts.websocket, 10s);
  EXPECT_EQ(settings.deadline->value, 60s);
  ASSERT_THAT(settings.delivery, SizeIs(3));
  EXPECT_EQ(settings.delivery[0].when, DeliverWhen::change);
  EXPECT_EQ(settings.delivery[2].kind, DeliveryKind::console);
  EXPECT_EQ(settings.daemon.every, 15min);
  EXPECT_EQ(settings.daemon.jitter_percent, 10);
  EXPECT_EQ(settings.daemon.metrics->port, 9798);
}

TEST(Config, AnEmptyFileSaysNothing) {
  for (const auto* text : {"", "\n", "# only a remark\n", "---\n", "\xEF\xBB\xBF", "region:\nworkspace:\n"}) {
    const auto settings = settings_of(text);
    EXPECT_FALSE(settings.region.has_value()) << text;
    EXPECT_FALSE(settings.profile.has_value()) << text;
  }
}

TEST(Config, TakesWhatPeopleWriteInOtherWays) {
  const auto settings = settings_of(
      "profile: Compute-Instance\nregion: East US 2\nsubscription: ABCDEF00-0000-0000-0000-000000000000\n"
      "workspace: {private_endpoint: 10.0.1.5}\ndeadline: 1m30s\nproxy: http://user:secret@proxy.contoso.com:3128\n"
      "hbi_workspace: TRUE\ncloud: AzurePublicCloud\n");
  EXPECT_EQ(settings.profile->value, Profile::compute_instance);
  EXPECT_EQ(settings.region->value, "eastus2");
  EXPECT_EQ(settings.subscription->value, "abcdef00-0000-0000-0000-000000000000");
  EXPECT_EQ(settings.workspace_private_endpoint->value.address, "10.0.1.5");
  EXPECT_EQ(settings.deadline->value, 90s);
  EXPECT_EQ(settings.proxy->value, "http://user:secret@proxy.contoso.com:3128");
  EXPECT_TRUE(settings.hbi_workspace->value);
}

struct Refusal {
  const char* text;
  const char* message;

  friend void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.message; }
};

class ConfigRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefuses, WithOneMessage) {
  EXPECT_THAT(errors_of(GetParam().text), ElementsAre(std::string("config.yaml:") + GetParam().message))
      << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Shape, ConfigRefuses,
    testing::Values(
        Refusal{"region: eastus\nstorage_acounts: []\n",
                "2:1: unknown key 'storage_acounts'; did you mean 'storage_accounts'?"},
        Refusal{"storage_accounts: [mystorage]\n",
                "1:20: storage_accounts: each account is a mapping, found 'mystorage'; write storage_accounts: [{name: "
                "mystorage}]"},
        Refusal{"workspace:\n  nmae: x\n", "2:3: unknown key 'nmae' in workspace; did you mean 'name'?"},
        Refusal{"tls: {colour: red}\n", "1:7: unknown key 'colour' in tls; known here: ca_files, allow_interception"},
        Refusal{"public_ip: maybe\n", "1:12: public_ip: expected true or false, found 'maybe'; write public_ip: true"},
        Refusal{"public_ip: no\n", "1:12: public_ip: expected true or false, found 'no'; write public_ip: false"},
        Refusal{"public_ip: \"true\"\n",
                "1:12: public_ip: expected true or false, found the text 'true'; write public_ip: true"},
        Refusal{"public_ip: [true]\n", "1:12: public_ip: expected true or false, found a list; write public_ip: true"},
        Refusal{"region: eastus\nregion: westus\n", "2:1: key 'region' is here a second time; the first is in line 1"},
        Refusal{"- region: eastus\n",
                "1:1: the file: expected keys and values, found a list; write profile: compute-instance"},
        Refusal{"hello\n", "1:1: the file: expected keys and values, found 'hello'; write profile: compute-instance"},
        Refusal{"workspace: my-workspace\n",
                "1:12: workspace: expected keys and values, found 'my-workspace'; write workspace: {name: ...}"},
        Refusal{"targets: {name: x}\n",
                "1:10: targets: expected a list, found a mapping; write targets: [{name: pypi, url: "
                "\"https://pypi.org/simple/\"}]"},
        Refusal{"? [a, b]\n: 1\n", "1:3: expected the name of a key, found a list"},
        Refusal{"workspace:\n\tname: x\n", "2:1: indented with a tab, which YAML does not allow; use spaces"},
        Refusal{"workspace:\n  name: x\n  \tid: y\n",
                "3:3: indented with a tab, which YAML does not allow; use spaces"},
        Refusal{"region: eastus\n---\nregion: westus\n",
                "2:1: a second document begins here; write everything in one, without '---'"},
        Refusal{"targets: &a [*a]\n", "1:14: this alias stands inside the value that it names"},
        Refusal{"region: [eastus\n", "2:1: not valid YAML: end of sequence flow not found"}));

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigRefuses,
    testing::Values(
        Refusal{
            "profile: compute-instanc\n",
            "1:10: profile: 'compute-instanc' is not known; did you mean 'compute-instance'? (one of compute-instance, "
            "compute-cluster, attached-vm, hdinsight, databricks)"},
        Refusal{"cloud: mars\n", "1:8: cloud: 'mars' is not known; expected one of public, usgov, china"},
        Refusal{"era: 2020\n", "1:6: era: '2020' is not known; expected one of 2020-07, 2026-03"},
        Refusal{"outbound: {}\n",
                "1:11: outbound: a mapping is not known; expected one of open, limited, forced-tunnel"},
        Refusal{"region: eastus/../x\n", "1:9: region: 'eastus/../x' is no region; write its name as region: eastus2"},
        Refusal{"subscription: mine\n",
                "1:15: subscription: expected an id such as 00000000-0000-0000-0000-000000000000, found 'mine'"},
        Refusal{"resource_group: a/b\n",
                "1:17: resource_group: 'a/b' is no name of a resource group; it has 1 to 90 letters, digits, hyphens, "
                "underscores, periods and parentheses"},
        Refusal{"deadline: 60\n", "1:11: deadline: expected a duration, found '60'; write deadline: 60s"},
        Refusal{"deadline: 0s\n", "1:11: deadline: must be longer than nothing, found '0s'; write deadline: 60s"},
        Refusal{"timeouts: {dns: quick}\n", "1:17: dns: expected a duration, found 'quick'; write dns: 2s"},
        Refusal{"workspace: {private_endpoint: 52.1.2.3}\n",
                "1:31: private_endpoint: '52.1.2.3' is no address of a virtual network; write the private one, as "
                "10.0.1.5"},
        Refusal{"workspace: {private_endpoint: 10.0.1}\n",
                "1:31: private_endpoint: expected true, false or the address it must have, found '10.0.1'; write "
                "private_endpoint: true"},
        Refusal{"storage_accounts: [{name: MyStorage}]\n",
                "1:27: name: 'MyStorage' is no name of a storage account; write it in lower case: name: mystorage"},
        Refusal{"storage_accounts: [{name: acct.blob.core.windows.net}]\n",
                "1:27: name: 'acct.blob.core.windows.net' is no name of a storage account; write only the name, "
                "without the "
                "domain: name: acct"},
        Refusal{"storage_accounts: [{services: [blob]}]\n",
                "1:20: storage_accounts: this account has no name; write {name: mystorage}"},
        Refusal{"storage_accounts: [{name: acct, services: [blobs]}]\n",
                "1:44: services: 'blobs' is not known; did you mean 'blob'? (one of blob, queue, table, file, dfs)"},
        Refusal{"storage_accounts: [{name: acct}, {name: acct}]\n",
                "1:34: storage_accounts: 'acct' is here a second time"},
        Refusal{"container_registry: {private_endpoint: true}\n",
                "1:21: container_registry: the name is missing; write container_registry: {name: ...}"},
        Refusal{"key_vault: mykv\n",
                "1:12: key_vault: expected keys and values, found 'mykv'; write key_vault: {name: ...}"},
        Refusal{"daemon: {jitter: 10}\n",
                "1:18: jitter: expected a percentage from 0% to 100%, found '10'; write jitter: 10%"},
        Refusal{"daemon: {tls: {key: /k}}\n", "1:15: daemon.tls: write both, {certificate: FILE, key: FILE}"},
        Refusal{"daemon: {token_file: token}\n",
                "1:22: token_file: 'token' is no absolute path; write token_file: /etc/vnetprobe/metrics.token"},
        Refusal{"daemon: {keep: 0}\n", "1:16: keep: expected a whole number from 1 to 100000, found '0'"},
        Refusal{"daemon: {metrics: 9798}\n",
                "1:19: metrics: expected address:port, found '9798'; write metrics: \"127.0.0.1:9798\""},
        Refusal{"delivery: [{webhook: \"https://h.contoso.com/\", console: /dev/ttyS0}]\n",
                "1:12: delivery: more than one of webhook, blob, file, console and journal; write exactly one in each "
                "entry"},
        Refusal{"delivery: [{console: ttyS0}]\n",
                "1:22: console: 'ttyS0' is no absolute path; write console: /dev/ttyS0"},
        Refusal{"delivery: [{console: /dev/ttyS0, secret_file: /etc/k}]\n",
                "1:12: delivery: secret_file signs a webhook's requests or holds a blob's SAS; leave it out here"},
        Refusal{"tls: {ca_files: /etc/x.pem}\n",
                "1:17: ca_files: expected a list, found '/etc/x.pem'; write ca_files: [/etc/ssl/contoso.pem]"},
        Refusal{"service_tags: \"a\\x01b\"\n",
                "1:15: service_tags: expected a text, found 'a\\x01b'; write service_tags: "
                "/var/lib/vnetprobe/service-tags.json"}));

INSTANTIATE_TEST_SUITE_P(
    Targets, ConfigRefuses,
    testing::Values(
        Refusal{"targets: [{name: a}]\n", "1:11: targets: 'a' has none of url, tcp and websocket; write exactly one"},
        Refusal{"targets: [{name: a, tcp: \"b:1\", url: \"http://b\"}]\n",
                "1:11: targets: 'a' has more than one of url, tcp and websocket; write exactly one"},
        Refusal{"targets: [{tcp: \"b:1\"}]\n",
                "1:11: targets: this target has no name; write {name: pypi, url: \"https://pypi.org/simple/\"}"},
        Refusal{"targets: [{name: a, tcp: \"b:1\"}, {name: a, tcp: \"c:1\"}]\n",
                "1:34: targets: the name 'a' is taken by an earlier target"},
        Refusal{"targets: [{name: a, tcp: \"db.contoso.local:70000\"}]\n",
                "1:26: tcp: expected a port from 1 to 65535, found 'db.contoso.local:70000'; write tcp: "
                "\"db.contoso.local:1433\""},
        Refusal{"targets: [{name: a, tcp: db}]\n",
                "1:26: tcp: expected host:port, found 'db'; write tcp: \"db.contoso.local:1433\""},
        Refusal{"targets: [{name: a, url: pypi.org}]\n",
                "1:26: url: the URL has no scheme; write url: \"https://pypi.org/simple/\""},
        Refusal{"targets: [{name: a, url: \"ftp://pypi.org\"}]\n",
                "1:26: url: scheme 'ftp' is not supported; write url: \"https://pypi.org/simple/\""},
        Refusal{"targets: [{name: a, url: \"https://\"}]\n",
                "1:26: url: it names no valid host; write url: \"https://pypi.org/simple/\""},
        Refusal{"targets: [{name: a, url: \"https://x:99999/\"}]\n",
                "1:26: url: the port is not one of 1 to 65535; write url: \"https://pypi.org/simple/\""},
        Refusal{"targets: [{name: a, websocket: \"https://x/\"}]\n",
                "1:32: websocket: scheme 'https' is not supported; write websocket: \"wss://stream.contoso.com/ws\""},
        Refusal{"targets: [{name: a, url: \"https://me:hunter2@x/\"}]\n",
                "1:26: url: it holds credentials, and the report shows it; write url: \"https://pypi.org/simple/\""},
        Refusal{"targets: [{name: a, url: \"https://x/?se=1&sig=hunter2\"}]\n",
                "1:26: url: it holds a signature (sig=), and the report shows it; write url: "
                "\"https://pypi.org/simple/\""}));

INSTANTIATE_TEST_SUITE_P(
    Combinations, ConfigRefuses,
    testing::Values(
        Refusal{"profile: databricks\ninstance: my-ci\n",
                "2:11: instance: profile databricks has no compute instance; leave 'instance' out, or write profile: "
                "compute-instance"},
        Refusal{"cloud: public\nregion: usgovvirginia\n",
                "2:9: region: 'usgovvirginia' is not a region of cloud public; write cloud: usgov"},
        Refusal{"cloud: china\nregion: eastus2\n",
                "2:9: region: 'eastus2' is not a region of cloud china; write cloud: public"},
        Refusal{"hbi_workspace: true\nworkspace: {hbi_workspace: false}\n",
                "2:28: workspace.hbi_workspace: also in line 1, as hbi_workspace; write one of them"},
        Refusal{"hbi: true\n", "1:1: unknown key 'hbi'; did you mean 'hbi_workspace'?"},
        Refusal{"workspace: {hbi: true}\n", "1:13: unknown key 'hbi' in workspace; did you mean 'hbi_workspace'?"},
        Refusal{"cloud: usgov\nworkspace: {region: China North 3}\n",
                "2:21: workspace.region: 'chinanorth3' is not a region of cloud usgov; write cloud: china"}));

INSTANTIATE_TEST_SUITE_P(
    Proxies, ConfigRefuses,
    testing::Values(
        Refusal{"proxy: auto\n",
                "1:8: proxy: not one of the known words and not a URL; write environment, none, or a URL such as "
                "http://proxy.contoso.com:3128"},
        Refusal{"proxy: socks5://me:hunter2@proxy:1080\n",
                "1:8: proxy: only HTTP proxies are supported; write environment, none, or a URL such as "
                "http://proxy.contoso.com:3128"},
        Refusal{
            "proxy: http://me:hunter2@proxy\n",
            "1:8: proxy: the URL has no port; write environment, none, or a URL such as http://proxy.contoso.com:3128"},
        Refusal{"proxy: http://me:hunter2@:3128\n",
                "1:8: proxy: the URL names no valid host and port; write environment, none, or a URL such as "
                "http://proxy.contoso.com:3128"}));

TEST(Config, TakesHbiOfTheWorkspaceToo) {
  for (const auto* text : {"hbi_workspace: true\n", "workspace: {hbi_workspace: true}\n"}) {
    const auto result = parse_config(text, "config.yaml");
    ASSERT_TRUE(result.settings) << text;
    EXPECT_TRUE(result.settings->hbi_workspace && result.settings->hbi_workspace->value) << text;
  }
}

TEST(Config, TellsAllErrorsAtOnceInTheFilesOrder) {
  const auto errors = errors_of("profil: x\npublic_ip: 3\nworkspace: {id: 1, region: '!'}\ninstance: my-ci\nera: x\n");
  ASSERT_THAT(errors, SizeIs(5));
  const std::vector<std::string> places{
      "config.yaml:1:1:", "config.yaml:2:12:", "config.yaml:3:17:", "config.yaml:3:28:", "config.yaml:5:6:"};
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_THAT(errors[i], testing::StartsWith(places[i]));
}

TEST(Config, NeverShowsASecret) {
  for (const auto* text : {
           "public_ip: https://me:hunter2@x/\n",
           "region: \"https://x/?sig=hunter2\"\n",
           "delivery: [{blob: \"http://x/?sv=1&sig=hunter2\"}]\n",
           "delivery: [{webhook: \"gopher://me:hunter2@x\"}]\n",
           "proxy: {url: hunter2}\n",
           "proxy: me:hunter2@proxy:3128\n",
           "delivery: [{blob: \"https://x\\u0001y/?sig=hunter2\"}]\n",
           "targets: [{name: a, tcp: \"https://me:hunter2@x\"}]\n",
       }) {
    const auto errors = errors_of(text);
    EXPECT_THAT(errors, testing::Not(IsEmpty())) << text;
    for (const auto& error : errors) EXPECT_THAT(error, testing::Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(Config, RefusesWhatIsNoTextFileByItsFirstBadByte) {
  EXPECT_THAT(errors_of(std::string_view("region: east\0us", 15)),
              ElementsAre("config.yaml:1:13: byte 0x00 does not belong in a text file; write YAML in UTF-8"));
  EXPECT_THAT(errors_of("a: b\n\x7f"
                        "ELF"),
              ElementsAre("config.yaml:2:1: byte 0x7f does not belong in a text file; write YAML in UTF-8"));
  EXPECT_THAT(errors_of("\xff\xfer\0"),
              ElementsAre("config.yaml:1:1: byte 0xff does not belong in a text file; write YAML in UTF-8"));
}

TEST(Config, BoundsSizeDepthAndAliases) {
  EXPECT_THAT(errors_of(std::string(10'000'000, 'x')),
              ElementsAre("config.yaml:1:1: 10000000 bytes; a file of this kind has at most 4194304"));
  EXPECT_THAT(errors_of("region: " + std::string(100'000, '[')),
              ElementsAre(HasSubstr("nested deeper than 64 levels")));
  EXPECT_THAT(errors_of("region: " + std::string(100'000, '{')), SizeIs(1));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(errors_of(bomb), ElementsAre(HasSubstr("more than 200000 values")));
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i)
    deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(errors_of(deep), ElementsAre(HasSubstr("nested deeper than 64 levels")));
  std::string keys;
  for (int i = 0; i < 9'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(errors_of(keys), SizeIs(200));
}

TEST(Config, TakesTenThousandTargets) {
  std::string text = "targets:\n";
  for (int i = 0; i < 10'000; ++i) {
    const auto number = std::to_string(i);
    text += "- {name: t" + number + ", url: \"https://host" + number + ".contoso.com/path\", required: false}\n";
  }
  EXPECT_THAT(settings_of(text).targets, SizeIs(10'000));
}

TEST(Config, RefusesAnAliasOfNothing) {
  EXPECT_THAT(errors_of("region: *nowhere\n"),
              ElementsAre(HasSubstr("config.yaml:1:9: not valid YAML: the referenced anchor is not defined")));
}

TEST(Config, FollowsAliases) {
  const auto settings =
      settings_of("storage_accounts:\n- {name: one1, services: &s [blob, file]}\n- {name: two2, services: *s}\n");
  EXPECT_THAT(settings.storage_accounts.at(1).services, ElementsAre("blob", "file"));
}

TEST(Config, NotesWhatIsOddAndNoError) {
  EXPECT_THAT(parse_config("timeouts: {tcp: 90s}\ndeadline: 60s\n", "c").notes,
              ElementsAre("c:1:17: timeouts.tcp: not shorter than the deadline, which will come first"));
  EXPECT_THAT(parse_config("region: eastsu2\nworkspace: {region: Atlantis}\n", "c").notes,
              ElementsAre("c:1:9: region: 'eastsu2' is not a region that this version knows; did you mean 'eastus2'?",
                          "c:2:21: region: 'atlantis' is not a region that this version knows"));
  EXPECT_THAT(parse_config("cloud: usgov\nregion: atlantis\n", "c").notes,
              testing::Contains("c:2:9: region: 'atlantis' is not a region of cloud usgov by its name"));
  EXPECT_THAT(parse_config("delivery: [{webhook: \"http://hooks.contoso.com/\"}]\n", "c").notes,
              ElementsAre(HasSubstr("c:1:22: webhook: over http whoever is on the way reads the report")));
  for (const std::string fine : {"https://hooks.contoso.com/", "http://127.0.0.1:9/", "http://localhost/"})
    EXPECT_THAT(parse_config("delivery: [{webhook: \"" + fine + "\"}]\n", "c").notes, testing::IsEmpty()) << fine;
}

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "vnetprobe-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string first_error(const ConfigResult& result) { return result.errors.empty() ? "" : result.errors[0].message; }

TEST(LoadConfig, SaysWhyAFileCannotBeRead) {
  const Directory directory;
  const auto missing = (directory.path() / "none.yaml").string();
  EXPECT_EQ(first_error(load_config(missing)), missing + ": no such file");
  const auto folder = directory.path().string();
  EXPECT_EQ(first_error(load_config(folder)),
            folder + ": is a directory; name the file in it, for example " + folder + "/config.yaml");
  const auto big = directory.file("big.yaml", std::string(10'000'000, 'x'));
  EXPECT_EQ(first_error(load_config(big)),
            big + ": 10000000 bytes; a configuration has at most 4194304. Is this the right file?");
  EXPECT_EQ(first_error(load_config("/dev/zero")), "/dev/zero: not a regular file");
  EXPECT_EQ(first_error(load_config("")), ": no such file");
}

TEST(LoadConfig, NamesTheFileAsItWasGiven) {
  const Directory directory;
  const auto path = directory.file("c.yaml", "region: eastus\n");
  const auto read = load_config(path);
  ASSERT_TRUE(read.settings.has_value());
  EXPECT_EQ(read.settings->region->source, path + ":1");
}

TEST(Example, SaysNothingAsInstalledAndEverythingWhenSwitchedOn) {
  const auto packaging = std::filesystem::path(TEST_DATA).parent_path().parent_path() / "packaging";
  std::ifstream file(packaging / "config.yaml.example");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(text.str().empty());
  EXPECT_FALSE(settings_of(text.str()).profile.has_value());
  std::string switched_on;
  for (std::string line; std::getline(text, line);)
    switched_on += line.size() > 1 && line[0] == '#' && line[1] != ' ' ? line.substr(1) + "\n" : line + "\n";
  const auto settings = settings_of(switched_on);
  EXPECT_EQ(settings.workspace_private_endpoint->value.address, "10.0.1.5");
  EXPECT_THAT(settings.targets, SizeIs(3));
  EXPECT_THAT(settings.delivery, SizeIs(5));
  EXPECT_EQ(settings.daemon.keep, 500);
}

TEST(Settings, NamesAndParsersAgree) {
  for (const auto name : profile_names()) EXPECT_EQ(name_of(*parse_profile(name)), name);
  for (const auto name : cloud_names()) EXPECT_EQ(name_of(*parse_cloud(name)), name);
  for (const auto name : era_names()) EXPECT_EQ(name_of(*parse_era(name)), name);
  for (const auto name : outbound_names()) EXPECT_EQ(name_of(*parse_outbound(name)), name);
  EXPECT_EQ(parse_cloud("AzurePublicCloud"), Cloud::public_);
  EXPECT_EQ(parse_cloud("AZUREUSGOVERNMENTCLOUD"), Cloud::usgov);
  EXPECT_EQ(parse_cloud("AzureChinaCloud"), Cloud::china);
  for (const auto* unknown : {"", "AzureGermanCloud", "publi", "public ", "publicpublic"})
    EXPECT_FALSE(parse_cloud(unknown).has_value()) << unknown;
}

TEST(Settings, TheStrongerKeepsWhatItSaysAndListsAreTakenWhole) {
  Settings stronger = settings_of("region: eastus\ntimeouts: {dns: 1s}\nstorage_accounts: [{name: one1}]\n");
  const Settings weaker = settings_of(
      "region: westus\npublic_ip: true\ntimeouts: {dns: 3s, tcp: 4s}\nstorage_accounts: [{name: two2}, {name: "
      "three3}]\n"
      "targets: [{name: a, tcp: \"b:1\"}]\ndaemon: {keep: 7}\n");
  const auto merged = merge(std::move(stronger), weaker);
  EXPECT_EQ(merged.region->value, "eastus");
  EXPECT_TRUE(merged.public_ip->value);
  EXPECT_EQ(merged.timeouts.dns, 1s);
  EXPECT_EQ(merged.timeouts.tcp, 4s);
  ASSERT_THAT(merged.storage_accounts, SizeIs(1));
  EXPECT_EQ(merged.storage_accounts[0].name, "one1");
  EXPECT_THAT(merged.targets, SizeIs(1));
  EXPECT_EQ(merged.daemon.keep, 7);
}

TEST(Nearest, AsksOnlyForWhatIsNear) {
  constexpr std::array<std::string_view, 3> names{"region", "profile", "tls"};
  EXPECT_EQ(nearest_name("regoin", names), "region");
  EXPECT_EQ(nearest_name("PROFIL", names), "profile");
  EXPECT_EQ(nearest_name("tsl", names), "tls");
  EXPECT_EQ(nearest_name("sql", names), std::nullopt);
  EXPECT_EQ(nearest_name("tl", names), "tls");
  EXPECT_EQ(nearest_name("kubernetes", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(100'000, 'r'), names), std::nullopt);
}

}  // namespace
}  // namespace vnetprobe::config_test
