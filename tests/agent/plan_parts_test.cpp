#include "agent/config/known_regions.hpp"
#include "tests/support/planned.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::plan_parts_test {
namespace {

using namespace test;
using testing::IsEmpty;

TEST(Glob, MatchesAcrossDotsAndSlashes) {
  struct Case {
    const char *pattern, *text;
    bool matches;
  };
  for (const auto& c : std::vector<Case>{{"*", "", true},
                                         {"storage.*", "storage.blob/a", true},
                                         {"*blob*", "storage.blob/a", true},
                                         {"a?c", "abc", true},
                                         {"a?c", "ac", false},
                                         {"", "", true},
                                         {"", "a", false},
                                         {"a*b*c", "aXbYbZc", true},
                                         {"a*b*c", "aXbYbZ", false},
                                         {"a", "ab", false},
                                         {"storage.[bq]*", "storage.blob/a", true},
                                         {"storage.[bq]*", "storage.file/a", false},
                                         {"storage.[!bq]*", "storage.file/a", true},
                                         {"a[", "a[", true}})
    EXPECT_EQ(glob_matches(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
  EXPECT_FALSE(glob_matches(std::string(200, '*') + "x", std::string(20000, 'a')));
}

TEST(Expand, StaysWithinBounds) {
  std::map<std::string, std::string> values{{"x", "1"}, {"y", "{x}2"}};
  EXPECT_EQ(expand("a{y}b", values).text, "a12b");
  EXPECT_EQ(expand("a{z}b", values).missing, "z");
  EXPECT_EQ(expand("a{b", values).text, "a{b");
  for (int i = 0; i < 40; ++i)
    values[fmt::format("v{}", i)] = fmt::format("{{v{0}}}{{v{0}}}{{v{0}}}{{v{0}}}", (i + 1) % 40);
  EXPECT_LE(expand("{v0}", values).text.size(), 100'000U);
  EXPECT_NE(expand("{v0}", values).missing, "");
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

TEST(Regions, HavePairsAndTagSuffixes) {
  for (const auto& [region, pair] : std::map<std::string, std::string>{{"eastus2", "centralus"},
                                                                       {"centralus", "eastus2"},
                                                                       {"westus3", "eastus"},
                                                                       {"eastus", "westus"},
                                                                       {"brazilsouth", "southcentralus"},
                                                                       {"southcentralus", "northcentralus"},
                                                                       {"brazilsoutheast", "brazilsouth"},
                                                                       {"westindia", "southindia"},
                                                                       {"southindia", "centralindia"},
                                                                       {"usgovarizona", "usgovtexas"},
                                                                       {"usgovvirginia", "usgovtexas"},
                                                                       {"chinaeast2", "chinanorth2"},
                                                                       {"qatarcentral", ""},
                                                                       {"nowhere", ""}})
    EXPECT_EQ(paired_region(region), pair) << region;
  for (const auto& [region, suffix] : std::map<std::string, std::string>{{"eastus2", "EastUS2"},
                                                                         {"uksouth", "UKSouth"},
                                                                         {"uaenorth", "UAENorth"},
                                                                         {"southeastasia", "SoutheastAsia"},
                                                                         {"francecentral", "FranceCentral"},
                                                                         {"germanywestcentral", "GermanyWestCentral"},
                                                                         {"usgovvirginia", "USGovVirginia"},
                                                                         {"jioindiawest", "JioIndiaWest"},
                                                                         {"taiwannorthwest", "TaiwanNorthwest"},
                                                                         {"israelnorthwest", "IsraelNorthwest"},
                                                                         {"southcentralus2", "SouthCentralUS2"},
                                                                         {"southeastus3", "SoutheastUS3"},
                                                                         {"eastus2euap", "EastUS2EUAP"},
                                                                         {"southcentralusstg", "SouthCentralUSSTG"}})
    EXPECT_EQ(tag_suffix(region), suffix) << region;
  EXPECT_EQ(normalise_region("East US 2"), "eastus2");
  // A name that only the fallback knows begins with its one capital.
  for (const auto region : known_regions())
    EXPECT_GT(std::ranges::count_if(tag_suffix(region), is_capital), 1) << region;
  EXPECT_TRUE(has_no_pair("qatarcentral"));
  EXPECT_FALSE(has_no_pair("eastus2") || has_no_pair("jioindiawest") || has_no_pair("nowhere"));
}

// Every combination of conditions: nothing is left unexpanded, no id comes twice, and every documented id comes
// somewhere.

TEST(Plan, HoldsForEveryCombination) {
  std::set<std::string> seen;
  int combinations = 0;
  const auto check = [&](const Discovery& discovery) {
    ++combinations;
    const auto plan = plan_of(discovery);
    std::set<std::string> own;
    for (const auto& planned : plan.checks) {
      const Check& one = planned.check;
      const Target& target = one.target;
      ASSERT_TRUE(own.insert(one.id).second) << one.id;
      for (const auto& text : {one.id, one.title, target.host, target.url, target.service_tag.value_or(""),
                               target.private_zone.value_or("")})
        ASSERT_EQ(text.find_first_of("{}"), std::string::npos) << one.id << ": " << text;
      ASSERT_EQ(planned.run, one.reason.empty()) << one.id;
      ASSERT_FALSE(one.why.empty()) << one.id;
    }
    ASSERT_THAT(plan.not_checked, IsEmpty());
    seen.merge(own);
  };
  for (const auto profile : {Profile::compute_instance, Profile::compute_cluster, Profile::attached_vm,
                             Profile::hdinsight, Profile::databricks})
    for (const auto era : {Era::y2020_07, Era::y2026_03})
      for (const auto cloud : {Cloud::public_, Cloud::usgov, Cloud::china})
        for (const auto outbound : {Outbound::open, Outbound::limited, Outbound::forced_tunnel})
          for (unsigned flags = 0; flags < 16; ++flags) {
            auto discovery = node(profile, era);
            Settings& settings = discovery.settings;
            settings.cloud = set(cloud);
            settings.region = set<std::string>(cloud == Cloud::usgov   ? "usgovarizona"
                                               : cloud == Cloud::china ? "chinaeast2"
                                                                       : "eastus2");
            settings.outbound = set(outbound);
            settings.public_ip = set((flags & 1U) != 0);
            settings.default_images = set((flags & 2U) != 0);
            settings.hbi_workspace = set((flags & 4U) != 0);
            const PrivateEndpoint endpoint{.present = (flags & 8U) != 0, .address = {}};
            settings.workspace_private_endpoint = set(endpoint);
            settings.storage_accounts[0].private_endpoint = endpoint;
            settings.storage_accounts[0].services = {"blob", "queue", "table", "file", "dfs"};
            settings.container_registry->value.private_endpoint = endpoint;
            settings.key_vault->value.private_endpoint = endpoint;
            check(discovery);
          }
  EXPECT_EQ(combinations, 5 * 2 * 3 * 3 * 16);
  for (const auto* id : {"node.os",
                         "node.clock",
                         "node.imds",
                         "node.wireserver",
                         "node.resolver/168.63.129.16",
                         "node.route",
                         "node.proxy",
                         "node.firewall",
                         "node.region",
                         "node.subscription",
                         "node.subnet",
                         "node.ca-store",
                         "node.docker-bridge",
                         "node.disk",
                         "workspace.api",
                         "workspace.notebooks",
                         "workspace.cert-api",
                         "instance.name",
                         "instance.websocket/ms",
                         "instance.websocket/net",
                         "instance.auth",
                         "instance.tundra",
                         "instance.port/8787",
                         "instance.port/18881",
                         "storage.blob/mystorage",
                         "storage.queue/mystorage",
                         "storage.table/mystorage",
                         "storage.file/mystorage",
                         "storage.dfs/mystorage",
                         "storage.smb/mystorage",
                         "registry.login/myacr",
                         "registry.data/myacr",
                         "keyvault/mykv",
                         "tag.AzureActiveDirectory",
                         "tag.AzureResourceManager",
                         "tag.AzureMachineLearning",
                         "tag.BatchNodeManagement",
                         "tag.Storage",
                         "tag.AzureContainerRegistry",
                         "tag.MicrosoftContainerRegistry",
                         "tag.AzureFrontDoor.FirstParty",
                         "tag.AzureFrontDoor.Frontend",
                         "tag.AzureMonitor",
                         "outbound.host/dc.applicationinsights.azure.com",
                         "outbound.host/graph.microsoft.us",
                         "outbound.host/aka.ms",
                         "tag.AzureKeyVault",
                         "tag.AzureMachineLearning/centralus",
                         "tag.AzureMachineLearning/chinanorth2",
                         "inbound.29876",
                         "inbound.29877",
                         "inbound.44224",
                         "inbound.22",
                         "egress.address",
                         "egress.path"})
    EXPECT_TRUE(seen.contains(id)) << id;
}

}  // namespace
}  // namespace vnetprobe::plan_parts_test
