#include "tests/support/evidence.hpp"

#include <gtest/gtest.h>

namespace vnetprobe {
namespace {

using namespace test;

TEST(Engine, AnEmptyReportIsInconclusiveAndDoesNotCrash) {
  const auto seen = diagnosed(Report{});
  EXPECT_EQ(seen.verdict, OverallVerdict::inconclusive);
  EXPECT_TRUE(seen.diagnoses.empty());
}

}  // namespace
}  // namespace vnetprobe
