#pragma once

#include "c10k/timer.hpp"

#include <cstdint>

namespace c10k::load {

// When each of the events of a run is due: `rate` a second, which rises evenly from 0 during the ramp. It does not know
// what becomes of them: that is what makes the model open.
class Schedule {
public:
    Schedule(double rate, Duration ramp) noexcept : rate_(rate), ramp_(ramp) {}

    // From the beginning to the event of that number; the first one is 0.
    [[nodiscard]] Duration due(std::uint64_t event) const noexcept;

private:
    double rate_;
    Duration ramp_;
};

}  // namespace c10k::load
