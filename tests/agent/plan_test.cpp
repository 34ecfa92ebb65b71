#include "agent/plan/plan.hpp"

#include "tests/support/planned.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <set>

namespace vnetprobe::plan_test {
namespace {

using namespace test;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(Plan, OfTheArticlesEraIsTheArticlesList) {
  using Ids = std::set<std::string>;
  const Ids outbound{"tag.AzureActiveDirectory", "tag.AzureContainerRegistry", "tag.AzureMachineLearning",
                     "tag.AzureResourceManager", "tag.Storage"};
  for (const auto profile :
       {Profile::compute_instance, Profile::compute_cluster, Profile::attached_vm, Profile::hdinsight}) {
    auto discovery = node(profile, Era::y2020_07);
    discovery.settings.default_images = set(false);
    const auto plan = plan_of(discovery);
    Ids run;
    for (const auto& planned : plan.checks)
      if (planned.check.id.starts_with("tag.") && planned.run && planned.check.required) run.insert(planned.check.id);
    EXPECT_EQ(run, outbound) << name_of(profile);
  }
  const auto instance = plan_of(node(Profile::compute_instance, Era::y2020_07));
  auto with_images = outbound;
  with_images.insert({"tag.MicrosoftContainerRegistry", "tag.AzureFrontDoor.FirstParty"});
  EXPECT_EQ(ids(instance, "tag."), with_images);
  EXPECT_EQ(ids(instance, "inbound."), (Ids{"inbound.22", "inbound.29876", "inbound.29877", "inbound.44224"}));
  for (const auto& [id, required] : std::map<std::string, bool>{
           {"inbound.29876", true}, {"inbound.29877", true}, {"inbound.44224", true}, {"inbound.22", false}})
    EXPECT_EQ(find(instance, id)->check.required, required) << id;
  EXPECT_EQ(find(instance, "inbound.29876")->check.target.service_tag, "BatchNodeManagement");
  EXPECT_EQ(find(instance, "inbound.44224")->check.target.service_tag, "AzureMachineLearning");
  EXPECT_EQ(ids(plan_of(node(Profile::compute_cluster, Era::y2020_07)), "inbound."),
            (Ids{"inbound.22", "inbound.29876", "inbound.29877"}));
  for (const auto profile : {Profile::attached_vm, Profile::hdinsight}) {
    const auto plan = plan_of(node(profile, Era::y2020_07));
    EXPECT_EQ(ids(plan, "inbound."), Ids{"inbound.22"}) << name_of(profile);
    EXPECT_TRUE(find(plan, "inbound.22")->check.required);
    EXPECT_EQ(find(plan, "inbound.22")->check.target.service_tag, "AzureMachineLearning");
  }
}

TEST(Plan, WithoutAPublicIpNeedsNoInboundPortTodayAndSaysSo) {
  const auto plan = plan_of(node());
  for (const auto* id : {"inbound.29876", "inbound.29877", "inbound.44224", "inbound.22"}) {
    const auto* planned = find(plan, id);
    ASSERT_TRUE(planned) << id;
    EXPECT_FALSE(planned->run) << id;
    EXPECT_EQ(planned->check.verdict, Verdict::skip) << id;
    EXPECT_THAT(planned->check.reason, HasSubstr("not applicable because compute without a public IP")) << id;
  }
  auto with = node();
  with.settings.public_ip = set(true);
  EXPECT_TRUE(find(plan_of(with), "inbound.44224")->run);
  EXPECT_TRUE(find(plan_of(with), "inbound.44224")->check.required);
  EXPECT_FALSE(find(plan_of(with), "inbound.29876")->check.required);
}

TEST(Plan, MakesTheDocumentedNames) {
  const auto plan = plan_of(node());
  const std::string ws = "11111111-1111-1111-1111-111111111111";
  for (const auto& [id, expected] : std::map<std::string, std::string>{
           {"workspace.api", ws + ".workspace.eastus2.api.azureml.ms"},
           {"workspace.cert-api", ws + ".workspace.eastus2.cert.api.azureml.ms"},
           {"workspace.notebooks", "ml-my-workspace-eastus2-" + ws + ".eastus2.notebooks.azure.net"},
           {"instance.name", "my-ci.eastus2.instances.azureml.ms"},
           {"instance.websocket/ms", "my-ci.eastus2.instances.azureml.ms"},
           {"instance.websocket/net", "my-ci.eastus2.instances.azureml.net"},
           {"instance.auth", "auth.eastus2.instances.azureml.ms"},
           {"instance.tundra", "eastus2.tundra.azureml.ms"},
           {"storage.blob/mystorage", "mystorage.blob.core.windows.net"},
           {"storage.smb/mystorage", "mystorage.file.core.windows.net"},
           {"registry.login/myacr", "myacr.azurecr.io"},
           {"registry.data/myacr", "absent"},
           {"keyvault/mykv", "mykv.vault.azure.net"},
           {"tag.AzureActiveDirectory", "login.microsoftonline.com"},
           {"tag.BatchNodeManagement", "eastus2.service.batch.azure.com"},
           {"tag.AzureFrontDoor.FirstParty", "eastus2.data.mcr.microsoft.com"},
           {"node.resolver/168.63.129.16", "168.63.129.16"},
       })
    EXPECT_EQ(host(plan, id), expected) << id;
  EXPECT_EQ(find(plan, "storage.blob/mystorage")->check.target.url,
            "https://mystorage.blob.core.windows.net/vnetprobe?restype=container&comp=list");
  ASSERT_THAT(find(plan, "storage.blob/mystorage")->headers, SizeIs(1));
  EXPECT_EQ(find(plan, "storage.blob/mystorage")->headers[0].value, "2021-12-02");
  EXPECT_EQ(find(plan, "storage.blob/mystorage")->check.target.service_tag, "Storage.EastUS2");
  EXPECT_THAT(find(plan, "instance.websocket/ms")->check.target.url,
              HasSubstr("wss://my-ci.eastus2.instances.azureml.ms/api/kernels/"));
}

TEST(Plan, CutsALongWorkspaceNameSoThatTheLabelStaysWithinBounds) {
  auto discovery = node();
  discovery.settings.workspace_name = set<std::string>("a-workspace-with-a-rather-long-name");
  const auto name = host(plan_of(discovery), "workspace.notebooks");
  EXPECT_EQ(name.find('.'), 63U) << name;
  EXPECT_THAT(name, HasSubstr("-eastus2-11111111-1111-1111-1111-111111111111.eastus2.notebooks."));
}

TEST(Plan, FollowsTheCloud) {
  auto gov = node();
  gov.settings.cloud = set(Cloud::usgov);
  gov.settings.region = set<std::string>("usgovvirginia");
  const auto plan = plan_of(gov);
  EXPECT_EQ(host(plan, "tag.AzureResourceManager"), "management.usgovcloudapi.net");
  EXPECT_EQ(host(plan, "storage.blob/mystorage"), "mystorage.blob.core.usgovcloudapi.net");
  EXPECT_EQ(find(plan, "keyvault/mykv")->check.target.private_zone, "privatelink.vaultcore.usgovcloudapi.net");
  EXPECT_FALSE(find(plan, "tag.AzureFrontDoor.FirstParty"));
  EXPECT_TRUE(find(plan, "tag.AzureFrontDoor.Frontend"));
  gov.settings.cloud = set(Cloud::china);
  EXPECT_FALSE(find(plan_of(gov), "tag.AzureFrontDoor.Frontend"));
}

TEST(Plan, ExpectsAPrivateAddressWhereTheSettingsHaveAnEndpoint) {
  auto discovery = node();
  Settings& settings = discovery.settings;
  settings.workspace_private_endpoint = set(PrivateEndpoint{.present = true, .address = "10.0.1.5"});
  settings.storage_accounts[0].private_endpoint = PrivateEndpoint{.present = true, .address = "10.0.1.6"};
  settings.container_registry->value.private_endpoint = PrivateEndpoint{.present = true, .address = "10.0.1.7"};
  const auto plan = plan_of(discovery);
  struct Case {
    const char* id;
    bool expected;
    const char* address;
  };
  for (const auto& c : std::vector<Case>{
           {"workspace.api", true, "10.0.1.5"},
           {"workspace.cert-api", true, "10.0.1.5"},
           {"workspace.notebooks", true, ""},  // the endpoint's second address
           {"instance.name", true, "10.0.1.5"},
           {"instance.websocket/ms", true, "10.0.1.5"},
           {"instance.websocket/net", false, ""},
           {"storage.blob/mystorage", true, ""},  // each service has an endpoint of its own
           {"registry.login/myacr", true, "10.0.1.7"},
           {"registry.data/myacr", true, ""},
           {"keyvault/mykv", false, ""},
           {"tag.AzureMachineLearning", false, ""},
       }) {
    ASSERT_TRUE(find(plan, c.id)) << c.id;
    const Target& target = find(plan, c.id)->check.target;
    EXPECT_EQ(target.private_endpoint, c.expected) << c.id;
    EXPECT_EQ(target.expected_address.value_or(""), c.address) << c.id;
  }
  EXPECT_THAT(plan.not_checked, Contains(AllOf(HasSubstr("storage.*/mystorage"), HasSubstr("10.0.1.6"))));
  EXPECT_FALSE(find(plan, "tag.Storage")->run);
  EXPECT_FALSE(find(plan, "tag.AzureContainerRegistry")->run);
  settings.storage_accounts[0].services = {"blob"};
  EXPECT_EQ(find(plan_of(discovery), "storage.blob/mystorage")->check.target.expected_address, "10.0.1.6");
}

TEST(Plan, AsksTheRegionsStorageAtAnAccountThatIsPublic) {
  auto discovery = node();
  discovery.settings.storage_accounts[0].private_endpoint = PrivateEndpoint{.present = true, .address = {}};
  discovery.settings.storage_accounts.push_back(
      {.name = "second", .services = {"dfs"}, .private_endpoint = {}, .source = ""});
  const auto plan = plan_of(discovery);
  EXPECT_TRUE(find(plan, "tag.Storage")->run);
  EXPECT_EQ(host(plan, "tag.Storage"), "second.blob.core.windows.net");
  EXPECT_EQ(ids(plan, "storage."), (std::set<std::string>{"storage.blob/mystorage", "storage.file/mystorage",
                                                          "storage.smb/mystorage", "storage.dfs/second"}));
}

TEST(Plan, CoversTheSecondRegionOnlyWithForcedTunnelling) {
  auto discovery = node();
  EXPECT_FALSE(find(plan_of(discovery), "tag.AzureMachineLearning/centralus"));
  discovery.settings.outbound = set(Outbound::forced_tunnel);
  EXPECT_EQ(host(plan_of(discovery), "tag.AzureMachineLearning/centralus"), "centralus.api.azureml.ms");
  discovery.settings.region = set<std::string>("qatarcentral");
  EXPECT_THAT(
      plan_of(discovery).not_checked,
      ElementsAre("tag.AzureMachineLearning/<paired region>: Microsoft names no paired region for qatarcentral"));
  for (const auto* region : {"jioindiawest", "eastus2euap", "nowhere"}) {
    discovery.settings.region = set<std::string>(region);
    EXPECT_THAT(plan_of(discovery).not_checked, ElementsAre(HasSubstr("this version does not know whether"))) << region;
  }
  auto article = node(Profile::compute_cluster, Era::y2020_07);
  EXPECT_FALSE(find(plan_of(article), "tag.BatchNodeManagement"));
  article.settings.outbound = set(Outbound::forced_tunnel);
  EXPECT_TRUE(find(plan_of(article), "tag.BatchNodeManagement"));
}

// azure-facts 1.2, 1.7: Batch follows the compute, Azure Machine Learning and its pair the workspace.
TEST(Plan, TellsTheComputesRegionFromItsWorkspaces) {
  auto discovery = node(Profile::compute_cluster);
  Settings& settings = discovery.settings;
  settings.region = set<std::string>("westus");
  settings.workspace_region = set<std::string>("eastus2");
  settings.outbound = set(Outbound::forced_tunnel);
  settings.hbi_workspace = set(true);
  const auto plan = plan_of(discovery);
  EXPECT_FALSE(find(plan, "tag.AzureMachineLearning/eastus"));
  struct Case {
    const char *id, *host, *tag;
  };
  for (const auto& c : std::vector<Case>{
           {"tag.AzureMachineLearning/centralus", "centralus.api.azureml.ms", "AzureMachineLearning.CentralUS"},
           {"tag.AzureMachineLearning", "eastus2.api.azureml.ms", "AzureMachineLearning"},
           {"tag.BatchNodeManagement", "westus.service.batch.azure.com", "BatchNodeManagement.WestUS"},
           {"tag.AzureFrontDoor.FirstParty", "westus.data.mcr.microsoft.com", "AzureFrontDoor.FirstParty"},
           {"tag.Storage", "mystorage.blob.core.windows.net", "Storage.EastUS2"},
           {"storage.blob/mystorage", "mystorage.blob.core.windows.net", "Storage.EastUS2"},
           {"registry.login/myacr", "myacr.azurecr.io", "AzureContainerRegistry.EastUS2"},
           {"tag.AzureContainerRegistry", "myacr.azurecr.io", "AzureContainerRegistry.EastUS2"},
           {"tag.AzureKeyVault", "mykv.vault.azure.net", "AzureKeyVault.EastUS2"},
       }) {
    EXPECT_EQ(host(plan, c.id), c.host) << c.id;
    ASSERT_TRUE(find(plan, c.id)) << c.id;
    EXPECT_EQ(find(plan, c.id)->check.target.service_tag, c.tag) << c.id;
  }
}

TEST(Plan, AsksForPortsAndHostsOfFirewallsOnlyWhereALimitIsKept) {
  auto discovery = node();
  discovery.settings.workspace_private_endpoint = set(PrivateEndpoint{.present = true, .address = {}});
  const std::set<std::string> ports{"instance.port/18881", "instance.port/8787"};
  const std::set<std::string> hosts{"outbound.host/graph.microsoft.com",
                                    "outbound.host/graph.windows.net",
                                    "outbound.host/dc.applicationinsights.azure.com",
                                    "outbound.host/dc.applicationinsights.microsoft.com",
                                    "outbound.host/aka.ms",
                                    "outbound.host/automlresources-prod.azureedge.net",
                                    "outbound.host/automlresources-prod-d0eaehh7g8andvav.b02.azurefd.net"};
  EXPECT_THAT(ids(plan_of(discovery), "instance.port"), IsEmpty());
  EXPECT_THAT(ids(plan_of(discovery), "outbound."), IsEmpty());
  for (const auto outbound : {Outbound::limited, Outbound::forced_tunnel}) {
    discovery.settings.outbound = set(outbound);
    const auto plan = plan_of(discovery);
    EXPECT_EQ(ids(plan, "instance.port"), ports);
    EXPECT_EQ(ids(plan, "outbound."), hosts);
    for (const auto& planned : plan.checks) {
      const std::string& id = planned.check.id;
      const bool of_a_list = ports.contains(id) || hosts.contains(id);
      EXPECT_FALSE(of_a_list && planned.check.required) << id;
      const auto owed = ports.contains(id)   ? std::optional(TargetOwes::host)
                        : hosts.contains(id) ? std::optional(TargetOwes::nothing)
                                             : std::nullopt;
      EXPECT_EQ(planned.check.target.owes, owed) << id;
    }
    EXPECT_EQ(host(plan, "instance.port/18881"), "my-ci.eastus2.instances.azureml.ms");
    EXPECT_EQ(find(plan, "instance.port/8787")->check.target.port, 8787);
  }
  discovery.settings.workspace_private_endpoint.reset();
  const auto without = plan_of(discovery);
  EXPECT_THAT(ids(without, "instance.port"), IsEmpty());
  EXPECT_THAT(without.left_out, Contains("instance.port/18881, instance.port/8787: only where `workspace` has "
                                         "`private_endpoint: true`"));
  discovery.settings.cloud = set(Cloud::china);
  EXPECT_EQ(ids(plan_of(discovery), "outbound."),
            (std::set<std::string>{"outbound.host/graph.chinacloudapi.cn", "outbound.host/aka.ms"}));
}

TEST(Plan, SaysWhyAnEntryOfThisProfileIsLeftOut) {
  const auto plan = plan_of(node());
  EXPECT_THAT(plan.left_out, Contains(AllOf(HasSubstr("tag.AzureMachineLearning/<paired region>"),
                                            HasSubstr(": only with `outbound: forced-tunnel`"))));
  EXPECT_THAT(plan.left_out,
              Contains(AllOf(HasSubstr("tag.AzureActiveDirectory/80"),
                             HasSubstr(": only with `outbound: limited` or `outbound: forced-tunnel`"))));
  EXPECT_THAT(plan.left_out, Contains("tag.AzureKeyVault: only with `hbi_workspace: true`"));
  EXPECT_THAT(plan.left_out,
              Contains("registry.data/<registry>: only where `container_registry` has `private_endpoint: true`"));
  const auto chosen = plan_of(node(), {.only = {"tag.AzureKeyVault"}, .skip = {}});
  EXPECT_THAT(chosen.left_out, SizeIs(1));
}

TEST(Plan, SaysThatAPublicIpIsOnlyAssumedToBeAbsent) {
  auto discovery = node();
  EXPECT_THAT(find(plan_of(discovery), "inbound.44224")->check.reason,
              HasSubstr("(assumed without a public IP; set `public_ip: true`"));
  discovery.settings.public_ip = Sourced<bool>{.value = false, .source = "config.yaml:3"};
  EXPECT_THAT(find(plan_of(discovery), "inbound.44224")->check.reason, Not(HasSubstr("assumed")));
}

TEST(Plan, AMachineThatStandsInForTheComputeOwesNoListenerForItsOwnAddress) {
  auto discovery = node();
  discovery.settings.public_ip = Sourced<bool>{.value = true, .source = "imds: network.interface.publicIpAddress"};
  EXPECT_TRUE(find(plan_of(discovery), "inbound.44224")->run);
  EXPECT_FALSE(find(plan_of(discovery), "inbound.44224")->check.required);
  discovery.is_the_compute = true;
  EXPECT_TRUE(find(plan_of(discovery), "inbound.44224")->check.required);
  discovery = node(Profile::attached_vm);
  EXPECT_TRUE(find(plan_of(discovery), "inbound.22")->check.required);
}

TEST(Plan, SaysThatTheStorageTagIsNeededWhereNoHostOfItIsKnown) {
  auto discovery = node();
  discovery.settings.storage_accounts[0].private_endpoint = PrivateEndpoint{.present = true, .address = {}};
  const auto plan = plan_of(discovery);
  EXPECT_FALSE(find(plan, "tag.Storage")->run);
  EXPECT_THAT(find(plan, "tag.Storage")->check.reason, HasSubstr("still needed for the service's own accounts"));
}

// azure-facts 1.6, 1.8: of an own account with private endpoints, blob and file are asked for.
TEST(Plan, AsksForQueuesAndTablesOfAPrivateAccountOnlyWhereTheyAreNamed) {
  auto discovery = node();
  StorageAccount& account = discovery.settings.storage_accounts[0];
  account.private_endpoint = PrivateEndpoint{.present = true, .address = {}};
  const std::set<std::string> blob_and_file{"storage.blob/mystorage", "storage.file/mystorage",
                                            "storage.smb/mystorage"};
  auto all = blob_and_file;
  all.insert({"storage.queue/mystorage", "storage.table/mystorage"});
  EXPECT_EQ(ids(plan_of(discovery), "storage."), blob_and_file);
  EXPECT_THAT(
      plan_of(discovery).left_out,
      Contains(AllOf(HasSubstr("storage.queue/<account>, storage.table/<account>: "), HasSubstr("`services`"))));
  discovery.settings.era = set(Era::y2020_07);  // the article names both
  EXPECT_EQ(ids(plan_of(discovery), "storage."), all);
  discovery.settings.era = set(Era::y2026_03);
  account.services = {"blob", "file", "queue", "table"};
  EXPECT_EQ(ids(plan_of(discovery), "storage."), all);
  account.services.clear();
  account.private_endpoint = PrivateEndpoint{.present = false, .address = {}};
  EXPECT_EQ(ids(plan_of(discovery), "storage."), all);
}

Plan plan_with(const std::string& entries, const Discovery& discovery) {
  const auto parsed = parse_catalogue("entries:\n" + entries, "c.yaml");
  EXPECT_THAT(parsed.errors, IsEmpty());
  return parsed.catalogue ? make_plan(*parsed.catalogue, discovery, {}) : Plan{};
}

TEST(Plan, PlansAUsersEntryForEveryAccountWhateverItsId) {
  auto discovery = node();
  discovery.settings.storage_accounts.push_back(
      {.name = "second", .services = {"dfs"}, .private_endpoint = {}, .source = ""});
  const std::string entries =
      "  - {id: \"storage.web/{account}\", title: Web, stack: dns, host: \"{account}.web.core.windows.net\"}\n"
      "  - {id: \"target.own/{account}\", title: Own, stack: https, port: 443, host: a.net, path: \"/{account}\"}\n"
      "  - {id: \"storage.dfs/{account}\", title: Dfs, stack: dns, host: \"{account}.dfs.core.windows.net\"}\n";
  const auto plan = plan_with(entries, discovery);
  EXPECT_EQ(ids(plan), (std::set<std::string>{"storage.web/mystorage", "storage.web/second", "target.own/mystorage",
                                              "target.own/second", "storage.dfs/second"}));
  EXPECT_EQ(find(plan, "target.own/second")->check.target.url, "https://a.net/second");
  discovery.settings.storage_accounts.clear();
  EXPECT_THAT(plan_with(entries, discovery).not_checked,
              ElementsAre("storage.web/<account>, target.own/<account>: set `storage_accounts`"));
}

TEST(Plan, AConditionOnAPrivateEndpointWithoutAResourceIsAboutTheWorkspaces) {
  const std::string entries =
      "  - {id: target.a, title: A, stack: tcp, host: x.net, port: 1, when: {private_endpoint: true}}\n"
      "  - {id: target.b, title: B, stack: tcp, host: y.net, port: 1, when: {private_endpoint: false}}\n";
  auto discovery = node();
  EXPECT_TRUE(find(plan_with(entries, discovery), "target.b")->run);
  EXPECT_FALSE(find(plan_with(entries, discovery), "target.a"));
  discovery.settings.workspace_private_endpoint = set(PrivateEndpoint{.present = true, .address = {}});
  const auto plan = plan_with(entries, discovery);
  ASSERT_TRUE(find(plan, "target.a"));
  EXPECT_TRUE(find(plan, "target.a")->run);
  EXPECT_FALSE(find(plan, "target.a")->check.target.private_endpoint);
  EXPECT_FALSE(find(plan, "target.b")->run);
}

// What can only be disproved is never required: a healthy node's required checks all pass.
TEST(Plan, AsksTheManagementChannelOfAnInstanceAsOptional) {
  const auto plan = plan_of(node());
  EXPECT_FALSE(find(plan, "instance.tundra")->check.required);
  EXPECT_TRUE(find(plan, "instance.tundra")->check.target.guessed);
}

TEST(Plan, SaysWhichValueWouldAddWhatIsNotChecked) {
  Discovery bare;
  bare.settings = default_settings();
  const auto plan = plan_of(bare);
  EXPECT_THAT(plan.not_checked, Contains(AllOf(HasSubstr("workspace.api"), HasSubstr(": set `workspace.id`"))));
  EXPECT_THAT(plan.not_checked,
              Contains(AllOf(HasSubstr("instance.name"), HasSubstr("`instance` (or run on the compute instance)"))));
  EXPECT_THAT(plan.not_checked, Contains(AllOf(HasSubstr("storage.blob/<account>"), HasSubstr("`storage_accounts`"))));
  EXPECT_THAT(plan.not_checked, Contains(HasSubstr("node.resolver/<resolver>: this node names no DNS server")));
  EXPECT_TRUE(find(plan, "tag.AzureActiveDirectory")->run);
  EXPECT_FALSE(find(plan, "node.imds")->check.required);
  bare.on_azure_vm = true;
  EXPECT_TRUE(find(plan_of(bare), "node.imds")->check.required);
}

TEST(Plan, AsksEachServerOnceAndTellsThoseOfOneAddressApart) {
  auto discovery = node();
  const auto ask = [&](std::vector<Endpoint> servers) {
    discovery.settings.resolvers.clear();
    for (auto& one : servers) discovery.settings.resolvers.push_back({.value = std::move(one), .source = "--resolver"});
    return ids(plan_of(discovery), "node.resolver/");
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(ask({{"127.0.0.1", 5301}}), Ids{"node.resolver/127.0.0.1"});
  EXPECT_EQ(ask({{"127.0.0.1", 5301}, {"127.0.0.1", 5301}}), Ids{"node.resolver/127.0.0.1"});
  EXPECT_EQ(ask({{"127.0.0.1", 5301}, {"127.0.0.1", 5302}}),
            (Ids{"node.resolver/127.0.0.1:5301", "node.resolver/127.0.0.1:5302"}));
  const auto plan = plan_of(discovery);
  EXPECT_EQ(find(plan, "node.resolver/127.0.0.1:5302")->check.target.host, "127.0.0.1");
  EXPECT_EQ(find(plan, "node.resolver/127.0.0.1:5302")->check.target.port, 5302);
}

TEST(Plan, NamesTheGlobalTagWhereTheRegionIsNotKnown) {
  auto discovery = node();
  discovery.settings.region.reset();
  EXPECT_EQ(find(plan_of(discovery), "storage.blob/mystorage")->check.target.service_tag, "Storage");
}

TEST(Plan, TakesTheNodesWordForItsDomainAndBatchAccount) {
  auto discovery = node();
  discovery.settings.instance_domain = set<std::string>("instances.ml.azure.ms");
  discovery.settings.batch_account_host = set<std::string>("acct.eastus2.batch.azure.com");
  const auto plan = plan_of(discovery);
  EXPECT_EQ(host(plan, "instance.name"), "my-ci.eastus2.instances.ml.azure.ms");
  EXPECT_EQ(host(plan, "tag.BatchNodeManagement"), "acct.eastus2.batch.azure.com");
  EXPECT_FALSE(find(plan, "tag.BatchNodeManagement")->check.target.guessed);
}

TEST(Plan, AddsTheUsersTargets) {
  auto discovery = node();
  discovery.settings.targets = {
      {.name = "pypi",
       .url = "https://pypi.org/simple/",
       .tcp = {},
       .websocket = {},
       .required = false,
       .source = "c.yaml:1"},
      {.name = "plain", .url = "http://[fd00::1]:8080/x", .tcp = {}, .websocket = {}, .source = "c.yaml:2"},
      {.name = "sql", .url = {}, .tcp = "db.contoso.local:1433", .websocket = {}, .source = "c.yaml:3"},
      {.name = "six", .url = {}, .tcp = "[fd00::1]:443", .websocket = {}, .source = "c.yaml:4"},
      {.name = "stream", .url = {}, .tcp = {}, .websocket = "wss://stream.contoso.com/ws", .source = "c.yaml:5"},
      {.name = "odd", .url = "ftp://x/", .tcp = {}, .websocket = {}, .source = "c.yaml:6"},
  };
  const auto plan = plan_of(discovery, {.only = {"target.*"}, .skip = {}});
  struct Case {
    const char* id;
    Stack stack;
    const char* host;
    int port;
  };
  for (const auto& c : std::vector<Case>{{"target.pypi", Stack::https, "pypi.org", 443},
                                         {"target.plain", Stack::http, "fd00::1", 8080},
                                         {"target.sql", Stack::tcp, "db.contoso.local", 1433},
                                         {"target.six", Stack::tcp, "fd00::1", 443},
                                         {"target.stream", Stack::websocket, "stream.contoso.com", 443}}) {
    const auto* planned = find(plan, c.id);
    ASSERT_TRUE(planned) << c.id;
    EXPECT_EQ(planned->stack, c.stack) << c.id;
    EXPECT_EQ(planned->check.target.host, c.host) << c.id;
    EXPECT_EQ(planned->check.target.port, c.port) << c.id;
    EXPECT_EQ(planned->check.target.service, Service::user) << c.id;
  }
  EXPECT_FALSE(find(plan, "target.pypi")->check.required);
  EXPECT_THAT(plan.checks, SizeIs(5));
  EXPECT_THAT(plan.not_checked, ElementsAre("target.odd: neither a URL nor host:port (c.yaml:6)"));
}

TEST(Plan, NamesTheGlobsThatFitNothingHere) {
  const auto plan = plan_of(node(), {.only = {"node.*", "node.os", "inbound.44224", "node.clok"}, .skip = {"x.*"}});
  EXPECT_THAT(plan.idle_globs, ElementsAre("node.clok", "x.*"));
}

TEST(Plan, KeepsWhatIsSelected) {
  const auto plan = plan_of(node(), {.only = {"storage.*", "node.clock"}, .skip = {"*.smb/*"}});
  EXPECT_EQ(ids(plan), (std::set<std::string>{"node.clock", "storage.blob/mystorage", "storage.file/mystorage",
                                              "storage.queue/mystorage", "storage.table/mystorage"}));
  EXPECT_THAT(plan.not_checked, IsEmpty());
}

}  // namespace
}  // namespace vnetprobe::plan_test
