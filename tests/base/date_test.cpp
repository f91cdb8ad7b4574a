#include "base/date.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

// RFC 9110, 5.6.7.
TEST(HttpDate, GivesTheStandardsExample) {
    using namespace std::chrono;
    EXPECT_EQ(http_date(sys_days{1994y / November / 6} + 8h + 49min + 37s + 999ms), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(sys_days{2024y / February / 29} + 23h + 59min + 59s), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(HttpDate, KnowsTheTimeBeforeItsEpoch) {
    EXPECT_EQ(http_date(std::chrono::system_clock::time_point{std::chrono::seconds{-1}}),
              "Wed, 31 Dec 1969 23:59:59 GMT");
}

}  // namespace
}  // namespace c10k
