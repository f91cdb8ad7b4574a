#pragma once

#include "c10k/timer.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace c10k {

// The timers of one loop: a hierarchical wheel. Starting, moving and cancelling take constant time.
//
// A tick is 1 ms. Level n has 64 slots of 64^n ticks; a timer sits on the level of the highest digit (base 64) in which
// its tick differs from the present, and moves down when that digit's turn comes.
class TimerWheel {
public:
    explicit TimerWheel(std::int64_t now) noexcept : now_(now) {}
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    ~TimerWheel();

    void add(Timer& timer, std::int64_t tick) noexcept;
    static void remove(Timer& timer) noexcept;

    // When the wheel has to be turned next: at or before the tick of the first timer.
    [[nodiscard]] std::optional<std::int64_t> next() const noexcept;
    // Fires every timer whose tick is at or before `now`, in the order of their ticks. Returns how many.
    int advance(std::int64_t now);

private:
    static constexpr int kDigitBits = 6;
    static constexpr int kSlots = 1 << kDigitBits;
    static constexpr int kLevels = 7;  // 64^7 ms: 139 years

    // A ring of timers that starts and ends in itself.
    class Slot final : public Timer {
        void on_time() override {}
    };
    struct Level {
        std::uint64_t occupied = 0;  // slots that may hold timers
        std::array<Slot, kSlots> slots;
    };
    struct Due {
        std::int64_t tick;
        int level;
        int slot;
    };

    [[nodiscard]] std::optional<Due> next_slot() const noexcept;
    static void link_before(Timer& position, Timer& timer) noexcept;

    std::int64_t now_;
    std::array<Level, kLevels> levels_;
};

}  // namespace c10k
