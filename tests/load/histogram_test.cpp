#include "c10k/load.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace c10k::load {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, OfNothingIsZero) {
    const Histogram histogram;
    EXPECT_TRUE(histogram.empty());
    EXPECT_EQ(histogram.percentile(99), 0ns);
    EXPECT_EQ(histogram.mean(), 0ns);
    EXPECT_EQ(histogram.max(), 0ns);
}

TEST(Histogram, TellsPercentilesToOneInAThousandAndNeverTooLow) {
    std::mt19937_64 generator{1};
    std::uniform_real_distribution<double> exponent{1, 12};
    std::vector<std::int64_t> values;
    Histogram histogram;
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(static_cast<std::int64_t>(std::pow(10.0, exponent(generator))));
        histogram.record(Duration{values.back()});
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.01, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * 20'000 - 1e-6));
        const auto exact = static_cast<double>(values[rank - 1]);
        const auto told = static_cast<double>(histogram.percentile(percent).count());
        EXPECT_GE(told, exact) << percent;
        EXPECT_LE(told, exact * (1 + 1.0 / 1024)) << percent;
    }
    EXPECT_EQ(histogram.min().count(), values.front());
    EXPECT_EQ(histogram.max().count(), values.back());
}

TEST(Histogram, TakesTheFirstValueThatEnoughOthersDoNotExceed) {
    Histogram histogram;
    for (int i = 1; i <= 1000; ++i) {
        histogram.record(Duration{i});
    }
    EXPECT_EQ(histogram.percentile(99.9), 999ns);  // 99.9 % of 1000 in binary is a hair more than 999
    EXPECT_EQ(histogram.percentile(50), 500ns);
    EXPECT_EQ(histogram.percentile(0), 1ns);
    EXPECT_EQ(histogram.mean(), 500ns);
}

TEST(Histogram, KeepsValuesOutsideOfItsRangeAtItsEnds) {
    Histogram histogram;
    histogram.record(-5ms);
    histogram.record(48h);
    EXPECT_EQ(histogram.min(), 0ns);
    EXPECT_EQ(histogram.max(), Histogram::kMax);
    EXPECT_EQ(histogram.count(), 2U);
}

TEST(Histogram, MergedFromTwoIsThatOfAllValues) {
    Histogram all;
    Histogram odd;
    Histogram even;
    for (int i = 1; i <= 5000; ++i) {
        all.record(i * 1us);
        (i % 2 == 1 ? odd : even).record(i * 1us);
    }
    odd.merge(even);
    odd.merge(Histogram{});
    EXPECT_EQ(odd.encoded(), all.encoded());
    EXPECT_EQ(odd.mean(), all.mean());
    odd.clear();
    EXPECT_EQ(odd.encoded(), Histogram{}.encoded());
    odd.record(7us);
    EXPECT_EQ(odd.percentile(100), 7us);
}

TEST(Causes, CountsSoManyDifferentOnesAndTheRestTogether) {
    Causes causes;
    for (std::size_t i = 0; i < 3 * Causes::kMax; ++i) {
        causes.add("closed with 'reason " + std::to_string(i) + "'");
    }
    causes.add("refused", 500);
    causes.add("refused", 0);
    EXPECT_EQ(causes.total(), 3 * Causes::kMax + 500);
    EXPECT_EQ(causes.items().size(), Causes::kMax + 1);
    EXPECT_EQ(causes.items().front().cause, "other causes");
    EXPECT_EQ(causes.items().front().count, 2 * Causes::kMax + 500);
}

TEST(Causes, AreSafeForATerminalAndShort) {
    Causes causes;
    causes.add("\x1b[2J" + std::string(10'000, 'x'));
    EXPECT_EQ(causes.items().front().cause.find('\x1b'), std::string::npos);
    EXPECT_LT(causes.items().front().cause.size(), 500U);
}

}  // namespace
}  // namespace c10k::load
