#pragma once

#include "gameoflife/players.hpp"

#include <c10k/task.hpp>
#include <c10k/timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace life {

// How the cells leave. Thread: any.
class Departure {
public:
    // One has, in this time.
    void note(c10k::Duration took) noexcept;
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    // Of a single one, from its close frame to the end of its connection.
    [[nodiscard]] c10k::Duration slowest() const noexcept { return c10k::Duration{slowest_}; }

private:
    std::atomic<std::size_t> count_{0};
    std::atomic<std::int64_t> slowest_{0};
};

// Prints where the game is, until it is stopped. Requires: both live as long. Not checked.
c10k::Task<> report(const Players& players, const Departure& departure);

}  // namespace life
