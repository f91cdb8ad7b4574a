#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace c10k {

// How late a loop runs: for how long it has not looked for events. So long waits an event that comes meanwhile. Times
// are microseconds of the steady clock.
// Thread: that of the loop, but for take_longest().
class LoopDelay {
public:
    // The loop looks for events: the turn before has ended.
    void note_look(std::int64_t now) noexcept {
        if (const std::int64_t delay = delay_at(now); delay > longest_.load(std::memory_order_relaxed)) {
            longest_.store(delay, std::memory_order_relaxed);
        }
        since_.store(now, std::memory_order_relaxed);
    }
    // The loop sleeps in that look, until note_woken(): whatever comes is noticed at once.
    void note_asleep() noexcept { since_.store(kAsleep, std::memory_order_relaxed); }
    void note_woken(std::int64_t now) noexcept { since_.store(now, std::memory_order_relaxed); }

    // The longest delay since the last call; that of a turn which still goes on counts, too. Thread: any single one.
    [[nodiscard]] std::int64_t take_longest(std::int64_t now) noexcept {
        return std::max(longest_.exchange(0, std::memory_order_relaxed), delay_at(now));
    }

private:
    static constexpr std::int64_t kAsleep = -1;

    [[nodiscard]] std::int64_t delay_at(std::int64_t now) const noexcept {
        const std::int64_t since = since_.load(std::memory_order_relaxed);
        return since == kAsleep ? 0 : now - since;
    }

    std::atomic<std::int64_t> since_{kAsleep};
    std::atomic<std::int64_t> longest_{0};
};

}  // namespace c10k
