#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::service_tag_rules_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Check of_tag(std::string id, std::string tag, std::vector<Observation> seen, bool inside = true) {
  auto made = tagged(check(id, "https://" + id + ".example.com/", std::move(seen), Service::machine_learning), tag);
  made.id = id;
  made.tagged_addresses = {{.address = "20.41.0.241", .inside = inside}};
  return made;
}
const Observation resolved_name = dns("a.example.com -> 20.41.0.241");
Check answers(std::string id, std::string tag, bool inside = true) {
  return of_tag(std::move(id), std::move(tag),
                {resolved_name, tcp("20.41.0.241:443"), tls("20.41.0.241:443", "a.example.com")}, inside);
}
Check is_silent(std::string id, std::string tag, bool inside = true) {
  return of_tag(std::move(id), std::move(tag), {resolved_name, tcp_silent("20.41.0.241:443")}, inside);
}

Report of_node(std::vector<Check> checks, const char* outbound, int age = 3) {
  auto made = report(std::move(checks));
  made.node.region = {"eastus2", "config.yaml:1"};
  if (*outbound) made.node.outbound = {outbound, "config.yaml:2"};
  made.agent.service_tags = ServiceTagFile{
      .source = "tags.json", .cloud = "Public", .change_number = 376, .date = "2025-11-10", .age_days = age};
  if (std::string_view(outbound) == "forced-tunnel")
    made.agent.service_tags->routes = {{"20.41.5.224/27", "BatchNodeManagement.EastUS2"},
                                       {"20.41.0.240/28", "AzureMachineLearning.EastUS2"},
                                       {"13.89.171.64/28", "AzureMachineLearning.CentralUS"}};
  diagnose(made);
  return made;
}

std::vector<std::string> all_codes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& one : made.diagnoses) found.push_back(one.code);
  return found;
}

const Diagnosis& diagnosis_of(const Report& made, std::string_view code) {
  for (const auto& one : made.diagnoses)
    if (one.code == code) return one;
  static const Diagnosis none{};
  return none;
}

TEST(ResolvedOutsideTag, IsANoteWhereTheNameAnswersAndTheCauseWhereOnlyTagsGetOut) {
  struct Case {
    const char* name;
    Check check;
    const char* outbound;
    Severity severity;
    bool told;
  };
  for (const auto& c : std::vector<Case>{
           {"answers", answers("tag.A", "AzureMachineLearning", false), "limited", Severity::info, true},
           {"answers, inside", answers("tag.A", "AzureMachineLearning"), "limited", Severity::info, false},
           {"silent, only tags get out", is_silent("tag.A", "AzureMachineLearning", false), "limited",
            Severity::critical, true},
           {"silent, inside", is_silent("tag.A", "AzureMachineLearning"), "limited", Severity::info, false},
           {"silent, anything gets out", is_silent("tag.A", "AzureMachineLearning", false), "", Severity::info, true},
       }) {
    const auto seen = of_node({c.check, answers("tag.B", "AzureResourceManager")}, c.outbound);
    const auto& found = diagnosis_of(seen, "service_tag.resolved_outside_tag");
    EXPECT_EQ(!found.code.empty(), c.told) << c.name;
    if (c.told) {
      EXPECT_EQ(found.severity, c.severity) << c.name;
    }
  }
}

TEST(DataStale, IsToldWhereItMattersAndOnlyInforms) {
  const auto cause = is_silent("tag.A", "AzureMachineLearning", false);
  const auto inside = answers("tag.A", "AzureMachineLearning"), other = answers("tag.B", "AzureResourceManager");
  const auto old = of_node({cause, other}, "limited", 90);
  EXPECT_THAT(all_codes(old), Contains("service_tag.data_stale"));
  EXPECT_EQ(first_code(old), "tcp.timeout") << "an old file proves nothing";
  EXPECT_EQ(first_code(of_node({cause, other}, "limited", 10)), "service_tag.resolved_outside_tag");
  EXPECT_THAT(all_codes(of_node({cause, other}, "limited", 10)), Not(Contains("service_tag.data_stale")));
  EXPECT_THAT(all_codes(of_node({inside, other}, "limited", 900)), IsEmpty());
  // Also where routes of that file are the fix.
  const auto silent = is_silent("tag.A", "AzureMachineLearning");
  EXPECT_THAT(all_codes(of_node({silent, other}, "forced-tunnel", 90)), Contains("service_tag.data_stale"));
  EXPECT_THAT(all_codes(of_node({silent, other}, "limited", 90)), Not(Contains("service_tag.data_stale")));
  EXPECT_THAT(codes(of_node({inside, other}, "forced-tunnel", 90)), IsEmpty());
}

TEST(PairRegionMissing, WhereOnlyTheSecondRegionIsSilent) {
  const auto pair = "tag.AzureMachineLearning/centralus", tag = "AzureMachineLearning.CentralUS";
  const auto own = answers("tag.AzureMachineLearning", "AzureMachineLearning");
  EXPECT_EQ(first_code(of_node({own, is_silent(pair, tag)}, "forced-tunnel")), "service_tag.pair_region_missing");
  EXPECT_THAT(codes(of_node({own, answers(pair, tag)}, "forced-tunnel")), IsEmpty());
  const auto own_too = is_silent("tag.AzureMachineLearning", "AzureMachineLearning");
  const auto other = answers("tag.B", "AzureResourceManager");
  auto not_aml = other;
  not_aml.target.service = Service::resource_manager;
  EXPECT_THAT(codes(of_node({own_too, is_silent(pair, tag), not_aml}, "forced-tunnel")),
              Not(Contains("service_tag.pair_region_missing")));
  const auto refused = of_tag(pair, tag, {resolved_name, tcp_refused("20.41.0.241:443")});
  EXPECT_THAT(codes(of_node({own, refused}, "forced-tunnel")), ElementsAre("tcp.refused_by_host"));
}

TEST(ForcedTunnel, PrintsTheRoutesAsTheFixOfASilenceOfBatchOrAml) {
  const auto other = answers("tag.B", "AzureResourceManager");
  const auto fix_of = [](const Report& seen) {
    return seen.diagnoses.empty() ? Fix{} : seen.diagnoses.front().fix.front();
  };
  const auto routed = of_node({is_silent("tag.A", "AzureMachineLearning"), other}, "forced-tunnel");
  EXPECT_THAT(fix_of(routed).text, HasSubstr("3 routes to the internet"));
  EXPECT_THAT(fix_of(routed).command,
              HasSubstr("for p in 20.41.5.224/27 20.41.0.240/28 13.89.171.64/28; do az network "));
  EXPECT_THAT(fix_of(of_node({is_silent("tag.A", "Storage.EastUS2"), other}, "forced-tunnel")).command,
              Not(HasSubstr("20.41.5.224/27")));
  EXPECT_THAT(fix_of(of_node({is_silent("tag.A", "AzureMachineLearning"), other}, "limited")).command,
              Not(HasSubstr("route-table")));
}

TEST(LimitedOutbound, NamesTagPortAndRuleOfEverySilentTarget) {
  auto second = is_silent("tag.B", "Storage.EastUS2");
  second.observations = {dns("b.example.com -> 20.60.0.1"), tcp_silent("20.60.0.1:443")};
  const auto all = of_node({is_silent("tag.A", "AzureMachineLearning"), second}, "limited");
  std::string commands;
  for (const auto& fix : all.diagnoses.at(0).fix) commands += fix.command + "\n";
  EXPECT_THAT(commands, HasSubstr("--destination-address-prefixes AzureMachineLearning --destination-port-ranges 443"));
  EXPECT_THAT(commands, HasSubstr("--destination-address-prefixes Storage.EastUS2 --destination-port-ranges 443"));
  EXPECT_THAT(commands, HasSubstr("--priority 201 "));
  const auto one =
      of_node({is_silent("tag.A", "AzureMachineLearning"), answers("tag.C", "AzureResourceManager")}, "limited");
  EXPECT_THAT(one.diagnoses.at(0).fix.at(0).command,
              HasSubstr("--destination-address-prefixes AzureMachineLearning --destination-port-ranges 443"));
}

}  // namespace
}  // namespace vnetprobe::service_tag_rules_test
