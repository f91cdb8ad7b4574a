#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace c10k {

// Counts durations in classes whose bounds grow by a quarter of a power of two, so that percentiles are right within 19
// %.
class DurationCounts {
public:
    void add(std::int64_t microseconds) noexcept;
    void add(const DurationCounts& others) noexcept;
    // All lose a tenth: called once a second, it leaves the recent ones.
    void fade() noexcept;
    // In microseconds: so many or fewer are that `share` of them. Empty if there are none.
    [[nodiscard]] std::optional<double> percentile(double share) const noexcept;

private:
    static constexpr std::size_t kPerPower = 4;
    static constexpr std::size_t kClasses = 26 * kPerPower;  // to more than a minute

    std::array<float, kClasses> counts_{};
};

}  // namespace c10k
