#include "gameoflife/pace.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <random>

namespace life {

using namespace c10k;

namespace {

constexpr double kTurn = 2 * std::numbers::pi;
// Cells from crest to crest, about. On a small grid it is the grid's size.
constexpr double kWaveLength = 40;
// Steps in which a wave passes over a cell: long enough that the fast cells come far ahead.
constexpr double kMinPeriod = 80;
constexpr double kMaxPeriod = 200;

}  // namespace

Pace::Pace(int size, double speed, double jitter, std::uint64_t seed) : jitter_(jitter) {
    // The C++ standard fixes the generator's numbers, but not how a distribution uses them.
    std::mt19937_64 generator{seed};
    const auto random = [&generator](double from, double to) {
        return from + (to - from) * static_cast<double>(generator() >> 11) * 0x1p-53;
    };
    const double crests = std::max(1.0, size / kWaveLength);
    for (Wave& wave : waves_) {
        const double direction = random(0, kTurn);
        double rows = std::round(crests * std::sin(direction));
        const double cols = std::round(crests * std::cos(direction));
        if (rows == 0 && cols == 0) {
            rows = 1;
        }
        wave.by_row = kTurn * rows / size;
        wave.by_col = kTurn * cols / size;
        wave.by_step = kTurn / random(kMinPeriod, kMaxPeriod);
        wave.phase = random(0, kTurn);
    }
    set_speed(speed);
}

void Pace::set_speed(double speed) noexcept {
    using Seconds = std::chrono::duration<double>;
    speed_.store(speed, std::memory_order_relaxed);
    const Duration interval = speed > 0 ? std::chrono::duration_cast<Duration>(Seconds{1 / speed}) : Duration::zero();
    interval_.store(interval.count(), std::memory_order_relaxed);
}

Duration Pace::interval(Position cell, std::uint64_t step) const noexcept {
    const Duration fastest{interval_.load(std::memory_order_relaxed)};
    if (jitter_ == 0 || fastest == Duration::zero()) {
        return fastest;
    }
    const double factor = 1 + jitter_ * slowness(cell, step);
    return Duration{static_cast<Duration::rep>(static_cast<double>(fastest.count()) * factor)};
}

double Pace::slowness(Position cell, std::uint64_t step) const noexcept {
    double sum = 0;
    for (const Wave& wave : waves_) {
        sum += std::cos(wave.by_row * cell.row + wave.by_col * cell.col + wave.by_step * static_cast<double>(step) +
                        wave.phase);
    }
    constexpr auto kWaves = static_cast<double>(std::tuple_size_v<decltype(waves_)>);
    return std::clamp((1 + sum / kWaves) / 2, 0.0, 1.0);
}

}  // namespace life
