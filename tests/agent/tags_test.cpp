#include "agent/plan/plan.hpp"
#include "agent/tags/audit.hpp"
#include "agent/tags/compact.hpp"
#include "agent/tags/diff.hpp"
#include "agent/tags/source.hpp"
#include "agent/tags/tag_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace vnetprobe::tags::tags_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TagFile& real(const std::string& name) {
  static std::map<std::string, TagFile> files;
  auto& file = files[name];
  if (file.tags.empty())
    file = read_tag_path(TEST_DATA "/servicetags/ServiceTags_" + name + ".json.gz", false).file.value();
  return file;
}

struct Known {
  const char* name;
  const char* cloud;
  long change_number;
  std::size_t tags, prefixes, unique;
};
// azure-facts 5.1
constexpr std::array known_files{
    Known{"Public_20251028", "Public", 375, 3039, 93362, 52340},
    Known{"Public_20251110", "Public", 376, 3041, 95823, 53586},
    Known{"AzureGovernment_20260713", "AzureGovernment", 401, 299, 6589, 3798},
    Known{"AzureGovernment_20260720", "AzureGovernment", 402, 299, 6591, 3799},
    Known{"China_20260713", "China", 404, 327, 4398, 2488},
    Known{"China_20260720", "China", 405, 327, 4390, 2484},
};

std::vector<std::string> names_of(const std::vector<Containing>& found) {
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.tag->name + " " + to_string(one.prefix));
  return names;
}

std::vector<std::string> looked_up(const TagIndex& index, const char* address) {
  return names_of(index.look_up(parse_address(address).value()));
}

TEST(TagFiles, EveryRealFileIsReadWhole) {
  for (const auto& known : known_files) {
    const auto& file = real(known.name);
    EXPECT_EQ(file.cloud, known.cloud);
    EXPECT_EQ(file.change_number, known.change_number);
    EXPECT_EQ(file.tags.size(), known.tags) << known.name;
    EXPECT_EQ(file.prefix_count(), known.prefixes) << known.name;
    EXPECT_EQ(TagIndex(file).unique_prefixes(), known.unique) << known.name;
    EXPECT_TRUE(std::string(known.name).ends_with(std::string(file.date).erase(7, 1).erase(4, 1))) << file.date;
  }
}

// What a reader without an index would do.
std::set<std::string> brute_force(const TagFile& file, const Address& address) {
  std::set<std::string> found;
  for (const auto& tag : file.tags)
    for (const auto& prefix : tag.prefixes)
      if (prefix.contains(address)) found.insert(tag.name + " " + to_string(prefix));
  return found;
}

TEST(TagIndex, FindsEveryPrefixOfEveryTagOfEveryFile) {
  for (const auto& known : known_files) {
    const auto& file = real(known.name);
    const TagIndex index(file);
    std::size_t missed = 0;
    for (const auto& tag : file.tags)
      for (const auto& prefix : tag.prefixes)
        for (const Bits bits : {prefix.base, prefix.last()}) {
          const auto found = index.look_up({.bits = bits, .v6 = prefix.v6});
          const bool there = std::any_of(found.begin(), found.end(), [&](const Containing& one) {
            return one.tag == &tag && one.prefix == prefix;
          });
          missed += there ? 0 : 1;
        }
    EXPECT_EQ(missed, 0u) << known.name;
  }
}

TEST(TagCompact, IsTheSameFileAndCountsForThatFileAlone) {
  const Stamp stamp{.size = 4182743, .modified = 1};
  for (const auto& known : known_files) {
    const auto& file = real(known.name);
    const auto bytes = to_compact(file, stamp);
    const auto back = from_compact(bytes, stamp);
    ASSERT_TRUE(back) << known.name;
    EXPECT_EQ(std::tie(back->cloud, back->change_number, back->date),
              std::tie(file.cloud, file.change_number, file.date));
    ASSERT_EQ(back->tags.size(), file.tags.size());
    for (std::size_t i = 0; i < file.tags.size(); ++i) {
      const auto &was = file.tags[i], &is = back->tags[i];
      EXPECT_EQ(std::tie(was.name, was.region, was.change_number, was.prefixes),
                std::tie(is.name, is.region, is.change_number, is.prefixes));
    }
    const TagIndex from_file(file), from_cache(*back);
    EXPECT_EQ(from_cache.unique_prefixes(), known.unique);
    for (const auto& tag : file.tags)
      for (const auto& prefix : tag.prefixes) {
        const Address address{.bits = prefix.base, .v6 = prefix.v6};
        ASSERT_EQ(names_of(from_cache.look_up(address)), names_of(from_file.look_up(address)));
      }
    EXPECT_FALSE(from_compact(bytes, {.size = stamp.size, .modified = 2}));
  }
}

TEST(TagCompact, CutOffOrChangedIsNoFile) {
  const Stamp stamp{.size = 1, .modified = 1};
  const auto bytes = to_compact(real("China_20260720"), stamp);
  for (std::size_t length = 0; length < bytes.size(); length += 97)
    EXPECT_FALSE(from_compact(std::string_view(bytes).substr(0, length), stamp)) << length;
  for (std::size_t place = 0; place < bytes.size(); place += 89) {
    auto changed = bytes;
    changed[place] = static_cast<char>(changed[place] ^ 0x20);
    EXPECT_FALSE(from_compact(changed, stamp)) << place;
  }
}

TEST(TagIndex, AgreesWithASearchThroughEverything) {
  std::mt19937_64 random(20251110);
  for (const auto& known : known_files) {
    const auto& file = real(known.name);
    const TagIndex index(file);
    for (int i = 0; i < 150; ++i) {
      const auto& tag = file.tags[random() % file.tags.size()];
      Address address{.bits = static_cast<std::uint32_t>(random()), .v6 = false};
      if (!tag.prefixes.empty() && i % 3 != 0) {
        const auto& prefix = tag.prefixes[random() % tag.prefixes.size()];
        // Inside, one before and one behind: where an index is wrong if it is wrong.
        address = {.bits = i % 3 == 1 ? prefix.last() + (i % 2) : prefix.base - (i % 2), .v6 = prefix.v6};
      }
      const auto found = names_of(index.look_up(address));
      EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), brute_force(file, address)) << to_string(address);
      EXPECT_EQ(found.size(), brute_force(file, address).size());
    }
  }
}

TEST(TagIndex, TellsTheMostSpecificFirstAndTheRegionalBeforeTheGlobal) {
  const TagIndex index(real("Public_20251110"));
  EXPECT_THAT(looked_up(index, "20.41.0.241"),
              ElementsAre("AzureMachineLearning.EastUS2 20.41.0.240/28", "AzureMachineLearning 20.41.0.240/28",
                          "AzureCloud.eastus2 20.41.0.0/18", "AzureCloud 20.41.0.0/18"));
  EXPECT_THAT(looked_up(index, "20.60.0.1"),
              ElementsAre("Storage.EastUS 20.60.0.0/24", "AzureCloud.eastus 20.60.0.0/24", "AzureCloud 20.60.0.0/24",
                          "Storage 20.60.0.0/16"));
  EXPECT_THAT(looked_up(index, "13.107.246.46"), ElementsAre("AzureFrontDoor.Frontend 13.107.246.0/24"));
  EXPECT_THAT(looked_up(index, "20.62.128.38"), testing::Contains("AzureContainerRegistry.EastUS 20.62.128.0/26"));
  EXPECT_EQ(looked_up(index, "20.190.151.9").front(), "AzureActiveDirectory.ServiceEndpoint 20.190.151.0/28");
  EXPECT_EQ(looked_up(index, "40.126.0.5").back(), "AzureActiveDirectory 40.126.0.0/18");
  EXPECT_THAT(looked_up(index, "52.168.109.101"), testing::Each(HasSubstr("AzureCloud")));
  EXPECT_THAT(looked_up(index, "2603:1030:40c:6::"), testing::Contains(HasSubstr("AppService.EastUS2 ")));
  for (const auto* address : {"168.63.129.16", "169.254.169.254", "10.0.0.4"})
    EXPECT_TRUE(looked_up(index, address).empty()) << address;
}

std::string file_with(const std::string& tags) {
  return R"({"changeNumber": 1, "cloud": "Public", "values": [)" + tags + "]}";
}
std::string tag_with(const std::string& name, const std::string& prefixes) {
  return R"({"name": ")" + name + R"(", "properties": {"region": "", "addressPrefixes": [)" + prefixes + "]}}";
}

TEST(TagFiles, ABadFileIsAnErrorThatNamesThePlace) {
  struct Case {
    std::string bytes, message;
  };
  for (const auto& c : std::vector<Case>{
           {"", "no JSON in it"},
           {"<!DOCTYPE html><html>{}</html>", "an HTML page"},
           {R"({"values": [)", "byte 12"},
           {R"({"values": [}]})", "byte 12"},
           {"{}", "no array of tags"},
           {R"([1])", "tag values[0]: expected an object"},
           {file_with(tag_with("A", R"("10.0.0.1/24")")), "tag A: '10.0.0.1/24' has host bits set; 10.0.0.0/24"},
           {file_with(tag_with("A", R"("10.0.0.0/33")")), "tag A: '10.0.0.0/33' has no length between 0 and 32"},
           {file_with(tag_with("A", R"("10.0.0.0")")), "tag A: '10.0.0.0' has no length"},
           {file_with(tag_with("A", R"("::x/64")")), "tag A: '::x/64' is no IP address"},
           {file_with(tag_with("A", "7")), "tag A: a prefix is not a text"},
           {file_with(tag_with("A", "") + "," + tag_with("A", "")), "tag A: is there twice"},
           {"\x1f\x8b\x08 cut", "broken or oversized gzip"},
       }) {
    const auto read = read_tag_file(c.bytes, "tags.json", false);
    EXPECT_FALSE(read.file) << c.bytes;
    ASSERT_FALSE(read.errors.empty()) << c.bytes;
    EXPECT_THAT(read.errors.front(), HasSubstr(c.message));
    EXPECT_TRUE(read.errors.front().starts_with("tags.json: ")) << read.errors.front();
  }
}

TEST(TagFiles, LenientTellsTheBadEntryAndKeepsTheRest) {
  const auto read = read_tag_file(
      file_with(tag_with("A", R"("10.0.0.1/24", "10.1.0.0/16")") + ",3," + tag_with("B", "")), "tags.json", true);
  EXPECT_EQ(read.errors.size(), 2u);
  ASSERT_TRUE(read.file);
  ASSERT_EQ(read.file->tags.size(), 2u);
  EXPECT_EQ(to_string(read.file->tags[0].prefixes.at(0)), "10.1.0.0/16");
}

TEST(TagFiles, WhatAzPrintsIsReadInEveryShape) {
  const auto tag = tag_with("Storage", R"("20.60.0.0/16")");
  for (const auto& bytes :
       {file_with(tag), "[" + tag + "]", "WARNING: this command is in preview\n[" + tag + "]",
        "\xef\xbb\xbf" + file_with(tag), tag,
        std::string(
            R"({"changeNumber": "63", "cloud": "Public", "id": "/subscriptions/x", "name": "public", "values": [)") +
            tag + "]}"}) {
    const auto read = read_tag_file(bytes, "az.json", false);
    ASSERT_TRUE(read.file) << bytes << (read.errors.empty() ? "" : read.errors.front());
    EXPECT_EQ(read.file->tags.size(), 1u);
  }
  EXPECT_EQ(read_tag_file(R"({"changeNumber": "63", "values": []})", "az.json", false).file->change_number, 63);
}

TEST(TagNames, AreFoundHoweverPeopleWriteThem) {
  const auto& file = real("Public_20251110");
  struct Case {
    const char *name, *region, *found;
  };
  for (const auto& c : {Case{"azuremachinelearning", "", "AzureMachineLearning"},
                        Case{"AzureMachineLearning", "East US 2", "AzureMachineLearning.EastUS2"},
                        Case{"AzureMachineLearning.eastus2", "", "AzureMachineLearning.EastUS2"},
                        Case{"Storage", "centralfrance", "Storage.FranceCentral"},
                        Case{"Storage", "France Central", "Storage.FranceCentral"},
                        Case{"Storage", "germanywc", "Storage.GermanyWestCentral"},
                        Case{"AzureCloud", "germanywestcentral", "AzureCloud.germanywc"},
                        Case{"AzureCloud", "NorwayEast", "AzureCloud.norwaye"},
                        Case{"Frontdoor.FirstParty", "", "AzureFrontDoor.FirstParty"},
                        Case{"AzureFrontDoor.FrontEnd", "", "AzureFrontDoor.Frontend"},
                        Case{"Keyvault.eastus", "", "AzureKeyVault.EastUS"},
                        Case{"BatchNodeManagement.uswest", "", "BatchNodeManagement.WestUS"}}) {
    const auto found = find_tag(file, c.name, c.region);
    ASSERT_TRUE(found.tag) << c.name << " " << c.region << ": " << found.error;
    EXPECT_EQ(found.tag->name, c.found);
  }
  EXPECT_THAT(find_tag(file, "AzureMachineLearnin", "").error, HasSubstr("did you mean AzureMachineLearning"));
  EXPECT_THAT(find_tag(file, "Storage", "atlantis").error, HasSubstr("no tag Storage in region atlantis"));
  const auto& gov = real("AzureGovernment_20260720");
  EXPECT_EQ(find_tag(gov, "AzureMachineLearning", "US-Virginia").tag->name, "AzureMachineLearning.USGovVirginia");
  EXPECT_EQ(find_tag(real("China_20260720"), "BatchNodeManagement", "China-East-2").tag->name,
            "BatchNodeManagement.ChinaEast2");
}

AddressSet addresses_of(const TagFile& file, std::initializer_list<std::pair<const char*, std::string>> wanted) {
  std::vector<Cidr> all;
  for (const auto& [service, region] : wanted)
    if (const auto found = find_tag(file, service, region); found.tag && !region.empty())
      all.insert(all.end(), found.tag->prefixes.begin(), found.tag->prefixes.end());
  return AddressSet::of(all, false);
}

TEST(Routes, OfEveryRegionOfEveryCloudAreBatchAndBothAmlTags) {
  for (const auto& known : known_files) {
    const auto& file = real(known.name);
    for (const auto& tag : file.tags) {
      if (!tag.name.starts_with("BatchNodeManagement.") || !find_tag(file, "AzureMachineLearning", region_of(tag)).tag)
        continue;
      const auto region = region_of(tag);
      const auto wanted = addresses_of(file, {{"BatchNodeManagement", region},
                                              {"AzureMachineLearning", region},
                                              {"AzureMachineLearning", paired_region(region)}});
      for (const bool aggregate : {false, true}) {
        const auto plan = plan_routes(file, {.region = region, .aggregate = aggregate});
        ASSERT_EQ(plan.error, "") << region;
        std::vector<Cidr> prefixes;
        std::set<std::string> names;
        for (const auto& route : plan.routes) {
          prefixes.push_back(route.prefix);
          names.insert(route.name);
          EXPECT_LE(route.name.size(), 80u);
          EXPECT_EQ(route.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"),
                    std::string::npos);
        }
        EXPECT_EQ(names.size(), plan.routes.size()) << region;
        EXPECT_EQ(AddressSet::of(prefixes, false), wanted) << known.name << " " << region;
        if (aggregate) {
          EXPECT_EQ(prefixes.size(), wanted.minimal(false).size()) << region;
        }
      }
    }
  }
}

TEST(Routes, SayWhatARegionWithoutAPairMeansAndWhatTheGlobalTagAdds) {
  const auto& file = real("Public_20251110");
  const auto alone = plan_routes(file, {.region = "Italy North"});
  EXPECT_EQ(alone.pair, "");
  EXPECT_THAT(alone.notes, testing::Contains(HasSubstr("no paired region")));
  const auto few = plan_routes(file, {.region = "eastus2"}),
             more = plan_routes(file, {.region = "eastus2", .with_global = true});
  EXPECT_GT(more.routes.size(), few.routes.size());
  EXPECT_THAT(plan_routes(file, {.region = "eastus22"}).error, HasSubstr("did you mean"));
  EXPECT_THAT(routes_as_az(few), HasSubstr("--name AzureMachineLearning.EastUS2-20.41.0.240-28 --address-prefix "
                                           "20.41.0.240/28 --next-hop-type Internet"));
}

TEST(Diff, IsByAddressForEveryTag) {
  for (const auto& [before, after] :
       {std::pair{"Public_20251028", "Public_20251110"}, std::pair{"China_20260713", "China_20260720"},
        std::pair{"AzureGovernment_20260713", "AzureGovernment_20260720"}}) {
    const auto& from = real(before);
    const auto& to = real(after);
    std::map<std::string, TagChange> by_name;
    for (auto& change : changes(from, to, "", "")) by_name[change.tag] = change;
    std::map<std::string, std::pair<std::vector<Cidr>, std::vector<Cidr>>> both;
    for (const auto& tag : from.tags) both[tag.name].first = tag.prefixes;
    for (const auto& tag : to.tags) both[tag.name].second = tag.prefixes;
    for (const auto& [name, prefixes] : both)
      for (const bool v6 : {false, true}) {
        const auto old_set = AddressSet::of(prefixes.first, v6), new_set = AddressSet::of(prefixes.second, v6);
        const auto change = by_name.find(name);
        const auto added = AddressSet::of(change == by_name.end() ? std::vector<Cidr>{} : change->second.added, v6);
        const auto removed = AddressSet::of(change == by_name.end() ? std::vector<Cidr>{} : change->second.removed, v6);
        EXPECT_EQ(old_set.minus(removed).united(added), new_set) << name;
        EXPECT_FALSE(added.intersects(old_set)) << name;
        EXPECT_FALSE(removed.intersects(new_set)) << name;
      }
  }
}

TEST(Diff, ASplitIsNoChange) {
  const auto with = [](const std::string& prefixes) {
    return read_tag_file(file_with(tag_with("A", prefixes)), "x", false).file.value();
  };
  EXPECT_TRUE(changes(with(R"("10.0.0.0/8")"), with(R"("10.0.0.0/9", "10.128.0.0/9")"), "", "").empty());
  const auto grown = changes(with(R"("10.0.0.0/9")"), with(R"("10.0.0.0/8")"), "", "");
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(to_string(grown[0].added.at(0)), "10.128.0.0/9");
  EXPECT_TRUE(grown[0].removed.empty());
  // The whole of IPv6: the last address has no next one.
  EXPECT_EQ(AddressSet::of({parse_cidr("::/1").value.value(), parse_cidr("8000::/1").value.value()}, true)
                .minimal(true)
                .size(),
            1u);
}

TEST(Audit, ByLongestPrefixAsAzureDecides) {
  const auto needed_of = [](std::initializer_list<const char*> prefixes) {
    RoutePlan plan;
    for (const auto* prefix : prefixes)
      plan.routes.push_back({.name = prefix, .prefix = parse_cidr(prefix).value.value(), .tag = "T"});
    return plan;
  };
  const auto needed = needed_of({"20.0.0.0/24", "20.0.1.0/24"});
  struct Case {
    const char* name;
    std::string routes;
    std::size_t missing, superfluous, shadowed, wrong;
  };
  const auto route = [](const char* prefix, const char* hop) {
    return fmt::format(R"({{"name": "r", "addressPrefix": "{}", "nextHopType": "{}"}})", prefix, hop);
  };
  for (const auto& c : std::vector<Case>{
           {"nothing", "[]", 2, 0, 0, 0},
           {"both", "[" + route("20.0.0.0/24", "Internet") + "," + route("20.0.1.0/24", "Internet") + "]", 0, 0, 0, 0},
           {"one that covers both", "[" + route("20.0.0.0/23", "Internet") + "]", 0, 0, 0, 0},
           {"the default route of a node without forced tunnelling", "[" + route("0.0.0.0/0", "Internet") + "]", 0, 0,
            0, 0},
           {"only the tunnel", "[" + route("0.0.0.0/0", "VirtualAppliance") + "]", 2, 0, 0, 0},
           {"half of one", "[" + route("20.0.0.0/25", "Internet") + "," + route("20.0.1.0/24", "Internet") + "]", 1, 0,
            0, 0},
           {"to the appliance", "[" + route("20.0.0.0/23", "VirtualAppliance") + "]", 0, 0, 0, 2},
           {"a longer one elsewhere",
            "[" + route("20.0.0.0/23", "Internet") + "," + route("20.0.0.64/26", "VirtualAppliance") + "]", 0, 0, 1, 0},
           {"one that nobody needs",
            "[" + route("20.0.0.0/23", "Internet") + "," + route("20.9.0.0/24", "Internet") + "]", 0, 1, 0, 0},
           {"a table", R"({"name": "rt", "routes": [)" + route("20.0.0.0/23", "Internet") + "]}", 0, 0, 0, 0},
           {"effective routes",
            R"({"value": [{"addressPrefix": ["20.0.0.0/23"], "nextHopType": "Internet", "state": "Active"}]})", 0, 0, 0,
            0},
           {"an effective route that lost",
            R"({"value": [{"addressPrefix": ["20.0.0.0/23"], "nextHopType": "Internet", "state": "Invalid"}]})", 2, 0,
            0, 0},
       }) {
    const auto table = read_route_table(c.routes, "rt.json", nullptr);
    EXPECT_TRUE(table.errors.empty()) << c.name;
    const auto result = audit(needed, table.routes);
    EXPECT_EQ(result.missing.size(), c.missing) << c.name;
    EXPECT_EQ(result.superfluous.size(), c.superfluous) << c.name;
    EXPECT_EQ(result.shadowed.size(), c.shadowed) << c.name;
    EXPECT_EQ(result.wrong_next_hop.size(), c.wrong) << c.name;
    EXPECT_EQ(result.complete(), c.missing + c.shadowed + c.wrong == 0) << c.name;
  }
  EXPECT_THAT(read_route_table("{}", "rt.json", nullptr).errors, testing::Contains(HasSubstr("no routes in it")));
  EXPECT_THAT(read_route_table("nonsense", "rt.json", nullptr).errors, testing::SizeIs(1));
}

TEST(Snapshot, OfEveryCloudHoldsWhatTheFileSays) {
  for (const auto& [cloud, name] :
       {std::pair{"public", "Public_20251110"}, std::pair{"usgov", "AzureGovernment_20260720"},
        std::pair{"china", "China_20260720"}}) {
    const auto small = snapshot(cloud);
    const auto& whole = real(name);
    EXPECT_EQ(small.date, whole.date);
    EXPECT_EQ(small.change_number, whole.change_number);
    EXPECT_TRUE(find_tag(small, "AzureMachineLearning", "").tag);
    for (const auto& tag : small.tags) EXPECT_EQ(tag.prefixes, find_tag(whole, tag.name, "").tag->prefixes) << tag.name;
  }
  EXPECT_EQ(age_in_days(snapshot("public"), std::chrono::sys_days{std::chrono::year{2025} / 11 / 20}), 10);
}

}  // namespace
}  // namespace vnetprobe::tags::tags_test
