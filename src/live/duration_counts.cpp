#include "live/duration_counts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace c10k {

void DurationCounts::add(std::int64_t microseconds) noexcept {
    const double powers = std::log2(static_cast<double>(std::max<std::int64_t>(microseconds, 1)));
    const auto place = static_cast<std::size_t>(powers * kPerPower);
    counts_[std::min(place, kClasses - 1)] += 1;
}

void DurationCounts::add(const DurationCounts& others) noexcept {
    for (std::size_t i = 0; i < kClasses; ++i) {
        counts_[i] += others.counts_[i];
    }
}

void DurationCounts::fade() noexcept {
    constexpr float kKept = 0.9F;
    constexpr float kNothing = 0.01F;
    for (float& count : counts_) {
        count = count * kKept < kNothing ? 0 : count * kKept;
    }
}

std::optional<double> DurationCounts::percentile(double share) const noexcept {
    const double all = std::accumulate(counts_.begin(), counts_.end(), 0.0);
    double seen = 0;
    for (std::size_t i = 0; i < kClasses; ++i) {
        seen += counts_[i];
        if (counts_[i] > 0 && seen >= share * all) {
            return std::exp2((static_cast<double>(i) + 0.5) / kPerPower);
        }
    }
    return std::nullopt;
}

}  // namespace c10k
