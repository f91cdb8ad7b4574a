#pragma once

#include "gameoflife/grid.hpp"

#include <c10k/timer.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace life {

// How fast the cells of a game go.
//
// Without jitter all have one pace. With jitter J, a cell's time between two steps is between that of the speed limit
// and 1 + J times as much. Neighbours differ little, far cells more, and the slow places wander over the grid while the
// game goes on. So the fast cells run ahead, as far as the rules let them, and the steps make waves.
// Thread: any.
class Pace {
public:
    // At least one step in eleven days: the time between two steps has to fit a Duration.
    static constexpr double kMinSpeed = 1e-6;
    static constexpr double kMaxSpeed = 1e9;
    [[nodiscard]] static constexpr bool is_speed(double speed) noexcept {
        return speed == 0 || (speed >= kMinSpeed && speed <= kMaxSpeed);
    }

    // The same size, jitter and seed give the same paces. Requires: is_speed(speed), 0 <= jitter <= 1. Not checked.
    Pace(int size, double speed, double jitter, std::uint64_t seed);

    // At most so many steps per second; 0: no limit, and no jitter either. Requires: is_speed(speed). Not checked.
    void set_speed(double speed) noexcept;
    [[nodiscard]] double speed() const noexcept { return speed_.load(std::memory_order_relaxed); }
    [[nodiscard]] double jitter() const noexcept { return jitter_; }

    // The least time between this step of the cell and the step before.
    [[nodiscard]] c10k::Duration interval(Position cell, std::uint64_t step) const noexcept;
    // How slow the cell is at that step: from 0, as fast as the limit allows, to 1, by the whole jitter slower.
    [[nodiscard]] double slowness(Position cell, std::uint64_t step) const noexcept;

private:
    // A wave over the grid that fits its edges, in radians per row, column and step.
    struct Wave {
        double by_row = 0;
        double by_col = 0;
        double by_step = 0;
        double phase = 0;
    };

    double jitter_;
    std::array<Wave, 3> waves_;
    std::atomic<double> speed_{0};
    std::atomic<c10k::Duration::rep> interval_{0};  // of the fastest cells
};

}  // namespace life
