#pragma once

#include "c10k/task.hpp"
#include "load/schedule.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace c10k::load {

using Clock = std::chrono::steady_clock;

// Wakes a task at a moment of the clock, some 50 us later at most if the machine is idle: a loop's timers know only
// whole milliseconds, which is longer than many answers take.
class Pacer {
public:
    // Throws std::system_error if the process has no descriptor left.
    Pacer();
    ~Pacer();
    Pacer(const Pacer&) = delete;
    Pacer& operator=(const Pacer&) = delete;

    // Suspends until `moment`; several moments that lie close together share a wake-up. Stops.
    Task<> wait_until(Clock::time_point moment);

    // Which events of a schedule a loop has: `first`, and each `step` after it, until `end`.
    struct Share {
        Clock::time_point begin{};
        Clock::time_point end{};
        std::uint64_t first = 0;
        std::uint64_t step = 1;
    };
    // Calls `on_due(due, now)` for each event, as soon after it is due as it can, and returns at the end. Ends early if
    // a call returns false. Stops.
    Task<> keep(const Schedule& schedule, Share share,
                const std::function<bool(Clock::time_point, Clock::time_point)>& on_due);

private:
    int descriptor_;
    Clock::time_point woken_{};
};

}  // namespace c10k::load
