#include "gameoflife/pace.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <gtest/gtest.h>

namespace life {
namespace {

using namespace std::chrono_literals;

TEST(Pace, IsThatOfTheSpeedForAllCellsWithoutJitter) {
    Pace pace{64, 10, 0, 1};
    EXPECT_EQ(pace.interval({0, 0}, 1), 100ms);
    EXPECT_EQ(pace.interval({63, 20}, 5000), 100ms);
    pace.set_speed(4);
    EXPECT_EQ(pace.interval({63, 20}, 5000), 250ms);
    EXPECT_EQ(pace.speed(), 4);
}

TEST(Pace, HasNoIntervalWithoutALimitWhateverTheJitter) {
    const Pace pace{64, 0, 1, 1};
    EXPECT_EQ(pace.interval({3, 4}, 5), 0ns);
}

TEST(Pace, OfEachCellIsBetweenTheLimitAndTheJitterAndUsesMostOfThat) {
    for (const int size : {1, 3, 64, 1000}) {
        const Pace pace{size, 10, 0.5, 7};
        double least = 1;
        double most = 0;
        for (int i = 0; i < 20'000; ++i) {
            const Position cell{i * 31 % size, i * 17 % size};
            const auto step = static_cast<std::uint64_t>(i);
            const double slowness = pace.slowness(cell, step);
            least = std::min(least, slowness);
            most = std::max(most, slowness);
            EXPECT_GE(pace.interval(cell, step), 100ms);
            EXPECT_LE(pace.interval(cell, step), 150ms);
        }
        EXPECT_LT(least, 0.15) << size;
        EXPECT_GT(most, 0.85) << size;
    }
}

TEST(Pace, DiffersLittleBetweenNeighboursAlsoOverTheEdgesAndBetweenSteps) {
    constexpr int kSize = 64;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Pace pace{kSize, 10, 1, seed};
        for (int row = 0; row < kSize; ++row) {
            for (int col = 0; col < kSize; ++col) {
                const double here = pace.slowness({row, col}, 100);
                EXPECT_NEAR(here, pace.slowness({(row + 1) % kSize, col}, 100), 0.15);
                EXPECT_NEAR(here, pace.slowness({row, (col + 1) % kSize}, 100), 0.15);
                EXPECT_NEAR(here, pace.slowness({row, col}, 101), 0.05);
            }
        }
    }
}

TEST(Pace, FollowsFromTheSeed) {
    const Pace one{64, 10, 1, 1};
    const Pace same{64, 10, 1, 1};
    const Pace other{64, 10, 1, 2};
    EXPECT_EQ(one.slowness({3, 4}, 5), same.slowness({3, 4}, 5));
    EXPECT_NE(one.slowness({3, 4}, 5), other.slowness({3, 4}, 5));
}

}  // namespace
}  // namespace life
