#include "reports/diagnosis/codes.hpp"

#include <gtest/gtest.h>

#include <set>

namespace vnetprobe::codes_test {
namespace {

TEST(TableOfCodes, EveryRowTellsTheUserWhatItMeansAndWhatToDo) {
  std::set<std::string> seen;
  for (const auto& entry : all_codes()) {
    EXPECT_TRUE(seen.insert(entry.code).second) << entry.code << " is there twice";
    EXPECT_FALSE(entry.title.empty()) << entry.code;
    EXPECT_EQ(entry.title.find('\n'), std::string::npos) << entry.code;
    EXPECT_GT(entry.explanation.size(), 40u) << entry.code;
    EXPECT_FALSE(entry.evidence.empty()) << entry.code;
    EXPECT_FALSE(entry.misleads.empty()) << entry.code;
    EXPECT_FALSE(entry.reference.empty()) << entry.code;
    ASSERT_FALSE(entry.fix.empty()) << entry.code;
    for (const auto& fix : entry.fix) EXPECT_FALSE(fix.text.empty()) << entry.code;
    const bool says_how_to_be_sure = entry.best_confidence == Confidence::proven || !entry.next_test.empty();
    EXPECT_TRUE(says_how_to_be_sure) << entry.code << " is never certain and names no further test";
  }
  EXPECT_GE(seen.size(), 145u);
}

TEST(TableOfCodes, FindsACodeByItsExactNameOnly) {
  ASSERT_NE(find_code("dns.record.nxdomain"), nullptr);
  EXPECT_EQ(find_code("dns.record.nxdomain")->code, "dns.record.nxdomain");
  EXPECT_EQ(find_code("dns.record"), nullptr);
  EXPECT_EQ(find_code(""), nullptr);
}

TEST(TableOfCodes, SuggestsWhatAMisspeltCodeProbablyMeant) {
  EXPECT_EQ(nearest_codes("dns.record.nxdomian", 1), std::vector<std::string>{"dns.record.nxdomain"});
  EXPECT_EQ(nearest_codes("zone_not_linked", 1), std::vector<std::string>{"private_endpoint.zone_not_linked"});
  EXPECT_EQ(nearest_codes(std::string(100000, 'x')).size(), 3u);
  EXPECT_TRUE(nearest_codes("x", 0).empty());
}

}  // namespace
}  // namespace vnetprobe::codes_test
