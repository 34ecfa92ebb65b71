#include "agent/discovery/azureml_names.hpp"
#include "agent/discovery/discover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vnetprobe::discovery_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A file system of its own, removed at the end.
class Root {
 public:
  Root() {
    std::string name = (std::filesystem::temp_directory_path() / "vnetprobe-root-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { std::filesystem::remove_all(path_); }

  void write(const std::string& file, std::string_view text) const {
    const auto whole = path_ / file;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << text;
  }
  void directory(const std::string& name) const { std::filesystem::create_directories(path_ / name); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class T>
std::string shown(const Setting<T>& setting) {
  if (!setting) return "-";
  if constexpr (std::is_same_v<T, std::string>)
    return setting->value + " (" + setting->source + ")";
  else
    return std::string(name_of(setting->value)) + " (" + setting->source + ")";
}

constexpr const char* subscription = "22222222-2222-2222-2222-222222222222";
constexpr const char* workspace_id = "11111111-1111-1111-1111-111111111111";
const std::string tracking_uri =
    "azureml://eastus2.api.azureml.ms/mlflow/v1.0/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/"
    "my-rg/"
    "providers/Microsoft.MachineLearningServices/workspaces/my-ws";

TEST(AzureMl, ReadsAComputeInstance) {
  const Root root;
  root.write("mnt/azmnt/.nbvm",
             "instance=my-ci\r\n# remark\ndomainsuffix=instances.azureml.ms\n"
             "certurl=https://eastus2.cert.api.azureml.ms/nbip/token\n");
  const auto local = read_azureml({root.path(), {{"CI_NAME", "my-ci"}, {"MLFLOW_TRACKING_URI", tracking_uri}}});
  const auto& settings = local.settings;
  EXPECT_EQ(shown(settings.profile), "compute-instance (/mnt/azmnt/.nbvm)");
  EXPECT_EQ(shown(settings.instance), "my-ci (/mnt/azmnt/.nbvm:1)");
  EXPECT_EQ(shown(settings.instance_domain), "instances.azureml.ms (/mnt/azmnt/.nbvm:3)");
  EXPECT_EQ(shown(settings.region), "eastus2 (/mnt/azmnt/.nbvm:4)");
  EXPECT_EQ(shown(settings.cloud), "public (/mnt/azmnt/.nbvm:4)");
  EXPECT_EQ(shown(settings.workspace_name), "my-ws (environment: MLFLOW_TRACKING_URI)");
  EXPECT_EQ(shown(settings.subscription), std::string(subscription) + " (environment: MLFLOW_TRACKING_URI)");
  EXPECT_EQ(shown(settings.resource_group), "my-rg (environment: MLFLOW_TRACKING_URI)");
  EXPECT_THAT(local.notes, IsEmpty());
}

// azure-facts 1.6: the documents print that domain for the sovereign clouds' private links too.
TEST(AzureMl, AnInstancesDomainUnderMsTellsNoCloud) {
  const Root root;
  root.write("mnt/azmnt/.nbvm",
             "instance=my-ci\ndomainsuffix=instances.azureml.ms\n"
             "certurl=https://usgovvirginia.cert.api.ml.azure.us/nbip/token\n");
  const auto local = read_azureml({root.path(), {}});
  EXPECT_EQ(shown(local.settings.cloud), "usgov (/mnt/azmnt/.nbvm:3)");
  EXPECT_EQ(shown(local.settings.instance_domain), "instances.azureml.ms (/mnt/azmnt/.nbvm:2)");
  EXPECT_THAT(local.notes, IsEmpty());
  EXPECT_FALSE(parse_instance_domain("instances.ml.azure.ms")->cloud);
  EXPECT_EQ(parse_instance_domain("instances.azureml.net")->cloud, Cloud::public_);
}

TEST(AzureMl, ReadsAClusterNodeInAnotherRegionThanItsWorkspace) {
  const Root root;
  const auto local = read_azureml({root.path(),
                                   {{"AZ_BATCH_POOL_ID", "pool"},
                                    {"AZ_BATCH_ACCOUNT_URL", "https://Acct.westeurope.batch.azure.com/"},
                                    {"AZUREML_ARM_SUBSCRIPTION", subscription},
                                    {"AZUREML_ARM_RESOURCEGROUP", "rg(1)"},
                                    {"AZUREML_ARM_WORKSPACE_NAME", "ws"},
                                    {"AZUREML_WORKSPACE_ID", workspace_id},
                                    {"AZUREML_SERVICE_ENDPOINT", "https://northeurope.api.azureml.ms"}}});
  const auto& settings = local.settings;
  EXPECT_EQ(shown(settings.profile), "compute-cluster (environment: AZ_BATCH_POOL_ID)");
  EXPECT_EQ(shown(settings.region), "westeurope (environment: AZ_BATCH_ACCOUNT_URL)");
  EXPECT_EQ(shown(settings.batch_account_host), "acct.westeurope.batch.azure.com (environment: AZ_BATCH_ACCOUNT_URL)");
  EXPECT_EQ(shown(settings.workspace_region), "northeurope (environment: AZUREML_SERVICE_ENDPOINT)");
  EXPECT_EQ(shown(settings.workspace_id), std::string(workspace_id) + " (environment: AZUREML_WORKSPACE_ID)");
  EXPECT_EQ(shown(settings.resource_group), "rg(1) (environment: AZUREML_ARM_RESOURCEGROUP)");
  EXPECT_THAT(local.notes, IsEmpty());
}

TEST(AzureMl, InfersTheProfile) {
  struct {
    const char* path;
    const char* variable;
    const char* expected;
  } const cases[] = {
      {"", "", "-"},
      {"", "CI_NAME", "compute-instance (environment: CI_NAME)"},
      {"", "AZ_BATCH_POOL_ID", "compute-cluster (environment: AZ_BATCH_POOL_ID)"},
      {"", "DATABRICKS_RUNTIME_VERSION", "databricks (environment: DATABRICKS_RUNTIME_VERSION)"},
      {"databricks", "", "databricks (/databricks)"},
      {"etc/hdinsight", "", "hdinsight (/etc/hdinsight)"},
      {"usr/hdp", "", "hdinsight (/usr/hdp)"},
      {"mnt/azmnt/.nbvm", "AZ_BATCH_POOL_ID", "compute-instance (/mnt/azmnt/.nbvm)"},
  };
  for (const auto& c : cases) {
    const Root root;
    if (*c.path) root.directory(c.path);
    Surroundings surroundings{.root = root.path()};
    if (*c.variable) surroundings.environment[c.variable] = "x1";
    EXPECT_EQ(shown(read_azureml(surroundings).settings.profile), c.expected) << c.path << c.variable;
  }
}

TEST(AzureMl, TellsTheCloudsApart) {
  EXPECT_EQ(parse_aml_host("usgovvirginia.api.ml.azure.us")->cloud, Cloud::usgov);
  EXPECT_EQ(parse_aml_host("chinaeast2.cert.api.ml.azure.cn")->cloud, Cloud::china);
  EXPECT_EQ(parse_instance_domain("usgovvirginia.instances.azureml.us")->region, "usgovvirginia");
  EXPECT_EQ(parse_instance_domain(".instances.ml.azure.cn")->cloud, Cloud::china);
  EXPECT_EQ(parse_batch_url("https://a.usgovarizona.batch.usgovcloudapi.net")->cloud, Cloud::usgov);
  const auto own = parse_aml_host(std::string(workspace_id) + ".workspace.eastus.api.azureml.ms");
  EXPECT_EQ(own->workspace_id, workspace_id);
  EXPECT_EQ(own->region, "eastus");
}

TEST(AzureMl, RefusesHostileValues) {
  const std::string huge(1'000'000, 'a');
  const std::vector<std::pair<const char*, std::string>> cases{
      {"MLFLOW_TRACKING_URI", "azureml://eastus/../x.api.azureml.ms/subscriptions/x"},
      {"MLFLOW_TRACKING_URI",
       "azureml://evil.com/subscriptions/" + std::string(subscription) + "/resourceGroups/a/providers/b/workspaces/c"},
      {"MLFLOW_TRACKING_URI", "azureml://me:hunter2@eastus.api.azureml.ms/"},
      {"MLFLOW_TRACKING_URI", "azureml://" + huge},
      {"AZUREML_SERVICE_ENDPOINT", "https://east us.api.azureml.ms"},
      {"AZUREML_SERVICE_ENDPOINT", "https://eastus.api.azureml.ms.evil.com"},
      {"AZUREML_SERVICE_ENDPOINT", "https://eastus\x01.api.azureml.ms"},
      {"AZUREML_SERVICE_ENDPOINT", "https://a.b.api.azureml.ms"},
      {"AZUREML_SERVICE_ENDPOINT", "https://" + huge + ".api.azureml.ms"},
      {"AZUREML_ARM_SUBSCRIPTION", "../../x"},
      {"AZUREML_ARM_SUBSCRIPTION", huge},
      {"AZUREML_ARM_RESOURCEGROUP", "a/b"},
      {"AZUREML_ARM_WORKSPACE_NAME", "a.b\nc"},
      {"AZUREML_WORKSPACE_ID", "hunter2"},
      {"AZ_BATCH_ACCOUNT_URL", "https://a.eastus.batch.azure.com.evil.com/"},
      {"AZ_BATCH_ACCOUNT_URL", "https://.eastus.batch.azure.com/"},
      {"CI_NAME", "a.b"},
      {"CI_NAME", std::string("a\0b", 3)},
  };
  const Root root;
  for (const auto& [name, value] : cases) {
    const auto local = read_azureml({root.path(), {{name, value}}});
    ASSERT_THAT(local.notes, SizeIs(1)) << name << " " << value.substr(0, 100);
    EXPECT_THAT(local.notes[0], HasSubstr("environment: " + std::string(name))) << value.substr(0, 100);
    EXPECT_THAT(local.notes[0], Not(HasSubstr("hunter2")));
    EXPECT_LT(local.notes[0].size(), 200U);
    const auto& settings = local.settings;
    EXPECT_FALSE(settings.region || settings.workspace_region || settings.instance || settings.subscription ||
                 settings.workspace_id || settings.workspace_name || settings.resource_group ||
                 settings.batch_account_host)
        << name << " " << value.substr(0, 100);
  }
}

TEST(AzureMl, AMarkerFileWithHostileLinesStillTellsTheProfile) {
  const Root root;
  root.write("mnt/azmnt/.nbvm", "instance=a/b\ncerturl=https://x@eastus.cert.api.azureml.ms/\ndomainsuffix=evil.com\n" +
                                    std::string(1'000'000, 'x'));
  const auto local = read_azureml({root.path(), {}});
  EXPECT_EQ(shown(local.settings.profile), "compute-instance (/mnt/azmnt/.nbvm)");
  EXPECT_FALSE(local.settings.instance || local.settings.region || local.settings.instance_domain);
  EXPECT_THAT(local.notes,
              ElementsAre("/mnt/azmnt/.nbvm: only its first 65536 bytes were read",
                          "/mnt/azmnt/.nbvm:1: left out, not the name of a compute instance",
                          HasSubstr("/mnt/azmnt/.nbvm:2: left out"), HasSubstr("/mnt/azmnt/.nbvm:3: left out")));
}

TEST(AzureMl, DoesNotHangOnAFifo) {
  const Root root;
  root.directory("mnt/azmnt");
  ASSERT_EQ(::mkfifo((root.path() / "mnt/azmnt/.nbvm").c_str(), 0600), 0);
  EXPECT_THAT(read_azureml({root.path(), {}}).notes, ElementsAre("/mnt/azmnt/.nbvm: not a regular file"));
}

TEST(AzureMl, TellsContradictionsAndLeavesAUsersOwnTrackingServerAlone) {
  const Root root;
  root.write("mnt/azmnt/.nbvm", "instance=one\n");
  const auto local =
      read_azureml({root.path(), {{"CI_NAME", "two"}, {"MLFLOW_TRACKING_URI", "http://mlflow.contoso.com:5000"}}});
  EXPECT_EQ(shown(local.settings.instance), "one (/mnt/azmnt/.nbvm:1)");
  EXPECT_THAT(local.notes, ElementsAre("environment: CI_NAME: differs from /mnt/azmnt/.nbvm:1, which is used"));
}

ImdsObservation answer() {
  return {.environment = "AZUREUSGOVERNMENTCLOUD",
          .location = "usgovvirginia",
          .resource_group = "imds-rg",
          .subscription = "33333333-3333-3333-3333-333333333333"};
}

TEST(Imds, GivesItsShareAndNothingMalformed) {
  const auto settings = settings_from_imds(answer());
  EXPECT_EQ(shown(settings.cloud), "usgov (imds: compute.azEnvironment)");
  EXPECT_EQ(shown(settings.region), "usgovvirginia (imds: compute.location)");
  EXPECT_EQ(shown(settings.resource_group), "imds-rg (imds: compute.resourceGroupName)");
  EXPECT_EQ(shown(settings.subscription), "33333333-3333-3333-3333-333333333333 (imds: compute.subscriptionId)");
  const auto bad =
      settings_from_imds({.environment = "Moon", .location = "a/b", .resource_group = "", .subscription = "x"});
  EXPECT_FALSE(bad.cloud || bad.region || bad.resource_group || bad.subscription);
  EXPECT_FALSE(settings.public_ip);  // none of the Basic kind, which is not to say none at all
  auto with_address = answer();
  with_address.public_addresses = {"20.70.0.4"};
  ASSERT_TRUE(settings_from_imds(with_address).public_ip);
  EXPECT_TRUE(settings_from_imds(with_address).public_ip->value);
  EXPECT_EQ(settings_from_imds(with_address).public_ip->source, "imds: network.interface.publicIpAddress");
  auto failed = answer();
  failed.error = ImdsFailure::via_proxy;
  EXPECT_FALSE(settings_from_imds(failed).region.has_value());
}

template <class T>
Setting<T> said(T value, const char* source) {
  return Sourced<T>{.value = std::move(value), .source = source};
}

TEST(Combine, TheStrongestSourceWins) {
  Settings command_line, config;
  LocalSettings local;
  command_line.profile = said(Profile::compute_cluster, "--profile");
  config.profile = said(Profile::databricks, "config.yaml:1");
  config.workspace_name = said<std::string>("from-config", "config.yaml:2");
  local.settings.workspace_name = said<std::string>("from-env", "environment: X");
  local.settings.resource_group = said<std::string>("from-env", "environment: X");
  const auto found = combine(command_line, config, local, {}, answer());
  EXPECT_EQ(shown(found.settings.profile), "compute-cluster (--profile)");
  EXPECT_EQ(shown(found.settings.workspace_name), "from-config (config.yaml:2)");
  EXPECT_EQ(shown(found.settings.resource_group), "from-env (environment: X)");
  EXPECT_EQ(shown(found.settings.region), "usgovvirginia (imds: compute.location)");
  EXPECT_EQ(shown(found.settings.workspace_region), "usgovvirginia (imds: compute.location (the node's region))");
  EXPECT_EQ(shown(found.settings.era), "2026-03 (default)");
  EXPECT_EQ(found.node.imds->value, "answered");
  EXPECT_EQ(found.node.imds->source, "http://169.254.169.254");
  EXPECT_EQ(found.node.profile->value, "compute-cluster");
  EXPECT_EQ(found.node.region->source, "imds: compute.location");
}

TEST(Combine, FillsInTheDefaults) {
  using namespace std::chrono_literals;
  const auto found = combine({}, {}, {}, {}, std::nullopt);
  const auto& settings = found.settings;
  EXPECT_EQ(shown(settings.profile), "compute-instance (default)");
  EXPECT_EQ(shown(settings.cloud), "public (default)");
  EXPECT_EQ(shown(settings.outbound), "open (default)");
  EXPECT_EQ(shown(settings.proxy), "environment (default)");
  EXPECT_TRUE(settings.default_images->value);
  EXPECT_FALSE(settings.public_ip->value || settings.hbi_workspace->value);
  EXPECT_EQ(settings.deadline->value, 60s);
  EXPECT_EQ(settings.timeouts.dns, 2s);
  EXPECT_EQ(settings.timeouts.http, 10s);
  EXPECT_FALSE(settings.region.has_value());
  EXPECT_EQ(found.node.imds->value, "not asked");
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("compute-instance was assumed")));
}

TEST(Combine, KnowsWhetherTheNodeIsTheComputeItself) {
  Settings command_line;
  command_line.profile = said(Profile::compute_instance, "--profile");
  LocalSettings instance, cluster;
  instance.settings.profile = said(Profile::compute_instance, "/mnt/azmnt/.nbvm");
  cluster.settings.profile = said(Profile::compute_cluster, "environment: AZ_BATCH_POOL_ID");
  EXPECT_TRUE(combine({}, {}, instance, {}, std::nullopt).is_the_compute);
  EXPECT_TRUE(combine(command_line, {}, instance, {}, std::nullopt).is_the_compute);
  EXPECT_FALSE(combine(command_line, {}, cluster, {}, std::nullopt).is_the_compute);
  EXPECT_FALSE(combine(command_line, {}, {}, {}, std::nullopt).is_the_compute);
}

TEST(Combine, TheWorkspacesRegionStandsInForTheNodesAndTellsTheCloud) {
  LocalSettings local;
  local.settings.workspace_region = said<std::string>("chinanorth3", "environment: X");
  const auto found = combine({}, {}, local, {}, std::nullopt);
  EXPECT_EQ(shown(found.settings.region), "chinanorth3 (environment: X (the workspace's region))");
  EXPECT_EQ(found.settings.cloud->value, Cloud::china);
}

HostFacts host_with(OsFacts os) {
  HostFacts host;
  host.os.os = std::move(os);
  return host;
}

TEST(Combine, KnowsWhetherImdsOughtToAnswer) {
  Settings endpoint, profile;
  endpoint.imds_endpoint = said<std::string>("http://127.0.0.1:1", "--imds-endpoint");
  profile.profile = said(Profile::attached_vm, "--profile");
  const OsFacts azure{.chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77"};
  const OsFacts container{
      .container = "docker", .container_sign = "/.dockerenv", .chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77"};
  struct {
    const Settings& settings;
    const OsFacts& os;
    bool expected;
    const char* because;
  } const cases[] = {
      {endpoint, container, true, "an IMDS endpoint was named (--imds-endpoint)"},
      {profile, container, false, "this is a docker container (/.dockerenv), which IMDS need not answer"},
      {profile, OsFacts{}, true, "the profile is attached-vm (--profile)"},
      {Settings{}, azure, true, "the chassis asset tag is Azure's"},
      {Settings{}, OsFacts{}, false,
       "no profile was named, no file of Azure Machine Learning was found and the chassis asset tag is not Azure's"},
  };
  for (const auto& c : cases) {
    const auto found = combine(c.settings, {}, {}, host_with(c.os), std::nullopt);
    EXPECT_EQ(found.on_azure_vm, c.expected) << c.because;
    EXPECT_EQ(found.on_azure_vm_because, c.because);
  }
}

TEST(Combine, ShowsTheNodeWithItsSourcesAndNoPassword) {
  auto host = host_with({.pretty_name = "Ubuntu 22.04", .kernel = "6.1", .hostname = "node", .uid = 1000});
  host.interfaces.interfaces = {{.name = "lo", .kind = "loopback", .addresses = {"127.0.0.1/8"}},
                                {.name = "eth0", .kind = "ethernet", .addresses = {"10.0.0.4/24"}}};
  host.resolvers.resolvers =
      ResolverConfig{.servers = {{.endpoint = {"127.0.0.53", 53}, .source = "/etc/resolv.conf:1", .stub = true},
                                 {.endpoint = {"10.0.0.10", 5353}, .source = "/run/systemd/resolve/resolv.conf:1"}}};
  host.proxies.proxies = {{.variable = "https_proxy", .value = "http://p:1", .source = "process"}};
  Settings config;
  config.proxy = said<std::string>("http://me:hunter2@proxy:3128", "config.yaml:3");
  auto failed = ImdsObservation{.error = ImdsFailure::timed_out};
  auto node = combine({}, config, {}, host, failed).node;
  EXPECT_EQ(node.hostname->value, "node");
  EXPECT_EQ(node.os->source, "os-release");
  EXPECT_EQ(node.uid, 1000U);
  EXPECT_FALSE(node.container->value);
  ASSERT_THAT(node.addresses, SizeIs(1));
  EXPECT_EQ(node.addresses[0].source, "kernel");
  ASSERT_THAT(node.resolvers, SizeIs(2));
  EXPECT_EQ(node.resolvers[0].value, "127.0.0.53");
  EXPECT_EQ(node.resolvers[1].value, "10.0.0.10:5353");
  ASSERT_THAT(node.proxy, SizeIs(2));
  EXPECT_EQ(node.proxy[0].value, "http://proxy:3128");
  EXPECT_TRUE(node.proxy[0].has_credentials);
  EXPECT_EQ(node.imds->value, "timed_out");
  Settings command_line;
  command_line.resolvers = {{.value = {"127.0.0.1", 53}, .source = "--resolver"}};
  node = combine(command_line, config, {}, host, failed).node;
  ASSERT_THAT(node.resolvers, SizeIs(1));
  EXPECT_EQ(node.resolvers[0].source, "--resolver");
}

}  // namespace
}  // namespace vnetprobe::discovery_test
