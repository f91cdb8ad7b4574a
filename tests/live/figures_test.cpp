#include "live/access_token.hpp"
#include "live/duration_counts.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

TEST(AccessToken, IsEqualToItselfAlone) {
    const AccessToken token{"0123456789abcdef"};
    EXPECT_TRUE(token.equals("0123456789abcdef"));
    for (const char* other : {"", "0", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0", "1123456789abcdef",
                              "0123456789abcdef0123456789abcdef"}) {
        EXPECT_FALSE(token.equals(other)) << other;
    }
    EXPECT_FALSE(AccessToken{""}.equals(""));
}

TEST(AccessToken, IsAnotherOneEachTime) {
    const AccessToken one = AccessToken::random();
    EXPECT_EQ(one.text().size(), 32U);
    EXPECT_NE(one.text(), AccessToken::random().text());
}

TEST(DurationCounts, KnowPercentilesWithinAQuarterOfAPower) {
    DurationCounts counts;
    EXPECT_FALSE(counts.percentile(0.5));
    for (int i = 0; i < 99; ++i) {
        counts.add(100);
    }
    counts.add(9'000'000);
    counts.add(0);
    EXPECT_NEAR(*counts.percentile(0.5), 100, 19);
    EXPECT_NEAR(*counts.percentile(0.999), 9e6, 1.8e6);
}

TEST(DurationCounts, ForgetOldOnes) {
    DurationCounts counts;
    counts.add(100);
    for (int i = 0; i < 30; ++i) {
        counts.fade();
    }
    DurationCounts recent;
    recent.add(5'000);
    counts.add(recent);
    EXPECT_NEAR(*counts.percentile(0.5), 5'000, 950);
    for (int i = 0; i < 60; ++i) {
        counts.fade();
    }
    EXPECT_FALSE(counts.percentile(0.5)) << "nothing is left of them";
}

}  // namespace
}  // namespace c10k
