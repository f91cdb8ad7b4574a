#include "gameoflife/pace.hpp"

#include "gameoflife/grid.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <vector>

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

// When each cell sends a step, if messages take no time: as soon as it has heard of the step before and has waited.
std::vector<double> sent_at(const Pace& pace, int size, std::uint64_t step, const std::vector<double>& before) {
    std::vector<double> times(before.size());
    for (int row = 0; row < size; ++row) {
        for (int col = 0; col < size; ++col) {
            const auto at = [&](Position cell) { return before[static_cast<std::size_t>(cell.row * size + cell.col)]; };
            double time = at({row, col}) + std::chrono::duration<double>(pace.interval({row, col}, step)).count();
            for (const Position near : neighbours({row, col}, size, Edges::kWrapped)) {
                time = std::max(time, at(near));
            }
            times[static_cast<std::size_t>(row * size + col)] = time;
        }
    }
    return times;
}

TEST(Pace, LetsFastCellsRunSeveralStepsAheadOfSlowOnes) {
    constexpr int kSize = 64;
    const Pace pace{kSize, 10, 0.3, 2919};  // as ./demo has it
    std::vector<double> times(kSize * kSize);
    double widest = 0;
    for (std::uint64_t step = 1; step <= 300; ++step) {
        times = sent_at(pace, kSize, step, times);
        const auto [first, last] = std::minmax_element(times.begin(), times.end());
        widest = std::max(widest, *last - *first);
    }
    EXPECT_GT(widest, 0.7);  // seconds: seven steps
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
