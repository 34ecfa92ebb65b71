#include "agent/cli/list.hpp"
#include "tests/support/planned.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace vnetprobe::list_test {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(List, ChecksFitIntoEightyColumnsAndSayWhy) {
  const auto discovery = node();
  const auto plan = plan_of(discovery);
  const auto text = list_checks(plan, built_in_catalogue(), "text");
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = text.find('\n', at);
    const auto line = text.substr(at, end - at);
    // A long host name or URL stands alone on its line.
    const bool several_words =
        line.find_last_of(' ') != std::string::npos && line.find_first_not_of(' ') < line.find_last_of(' ');
    EXPECT_TRUE(!several_words || line.size() <= 80) << line;
  }
  for (const auto& planned : plan.checks) EXPECT_THAT(text, HasSubstr(planned.check.id));
  EXPECT_THAT(text, AllOf(HasSubstr("[required]"), HasSubstr("[optional]"), HasSubstr("[skip]")));
}

TEST(List, ChecksAsJsonNameEveryCheck) {
  const auto discovery = node();
  const auto plan = plan_of(discovery);
  const auto json = boost::json::parse(list_checks(plan, built_in_catalogue(), "json")).as_array();
  ASSERT_EQ(json.size(), plan.checks.size());
  EXPECT_EQ(json[0].at("id").as_string(), plan.checks[0].check.id);
  for (const auto& check : json) EXPECT_FALSE(check.at("why").as_string().empty());
}

TEST(List, ChecksAsYamlAreTheWholeCatalogueWhoeverPrintsIt) {
  const auto again =
      parse_catalogue(list_checks(plan_of(node(Profile::hdinsight)), built_in_catalogue(), "yaml"), "printed");
  ASSERT_THAT(again.errors, IsEmpty());
  EXPECT_EQ(catalogue_to_yaml(*again.catalogue), catalogue_to_yaml(built_in_catalogue()));
  for (const auto profile : {Profile::compute_instance, Profile::compute_cluster, Profile::attached_vm,
                             Profile::hdinsight, Profile::databricks})
    for (const auto era : {Era::y2020_07, Era::y2026_03})
      for (const auto cloud : {Cloud::public_, Cloud::usgov, Cloud::china}) {
        auto discovery = node(profile, era);
        discovery.settings.cloud = set(cloud);
        const auto replanned = make_plan(*again.catalogue, discovery, {});
        EXPECT_EQ(list_checks(replanned, *again.catalogue, "json"),
                  list_checks(plan_of(discovery), built_in_catalogue(), "json"));
      }
}

TEST(List, ChecksAsTextNameWhatIsOfOtherNetworks) {
  const auto text = list_checks(plan_of(node()), built_in_catalogue(), "text");
  EXPECT_THAT(text, AllOf(HasSubstr("Of other networks: "), HasSubstr("tag.AzureActiveDirectory/80")));
}

TEST(List, ProfilesAndCodesComeAsTextAndJson) {
  for (const auto& profile : profile_names()) EXPECT_THAT(list_profiles("text"), HasSubstr(std::string(profile)));
  EXPECT_EQ(boost::json::parse(list_profiles("json")).as_array().size(), 5U);
  EXPECT_THAT(list_codes("text"), HasSubstr("dns.no_resolver"));
  EXPECT_FALSE(boost::json::parse(list_codes("json")).as_array().empty());
}

}  // namespace
}  // namespace vnetprobe::list_test
