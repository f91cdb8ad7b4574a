#pragma once

#include "c10k/timer.hpp"
#include "loop/loop.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace c10k {

// The deadlines of one connection, one for each thing that it may wait for: the values of the enumeration `Wait`, of
// which there are `kWaits`. They share one timer, which fires at the first. Times are ms of the loop's clock.
template <typename Wait, std::size_t kWaits>
class Deadlines : private Timer {
protected:
    static constexpr std::int64_t kNever = INT64_MAX;

    explicit Deadlines(Loop& loop) noexcept : loop_(loop) { due_.fill(kNever); }
    ~Deadlines() = default;

    [[nodiscard]] std::int64_t due(Wait what) const noexcept { return due_[static_cast<std::size_t>(what)]; }
    // In on_deadline().
    [[nodiscard]] bool is_due(Wait what) const noexcept { return due(what) <= loop_.now(); }
    void wait_for(Wait what, std::chrono::milliseconds time) { wait_until(what, loop_.backend().now() + time.count()); }
    void wait_until(Wait what, std::int64_t due) {
        due_[static_cast<std::size_t>(what)] = due;
        arm();
    }
    void stop_waiting_for(Wait what) { wait_until(what, kNever); }
    void stop_waiting() noexcept {
        due_.fill(kNever);
        armed_ = kNever;
        cancel();
    }

private:
    // At least one of them is over.
    virtual void on_deadline() = 0;

    void on_time() final {
        armed_ = kNever;
        if (first() <= loop_.now()) {
            on_deadline();
        } else {
            arm();  // a deadline has moved since
        }
    }
    [[nodiscard]] std::int64_t first() const noexcept { return *std::min_element(due_.begin(), due_.end()); }
    void arm() {
        const std::int64_t next = first();
        if (next == armed_) {
            return;
        }
        armed_ = next;
        if (next == kNever) {
            cancel();
        } else {
            start(std::chrono::milliseconds{next - loop_.backend().now()});
        }
    }

    Loop& loop_;
    std::array<std::int64_t, kWaits> due_;  // by Wait
    std::int64_t armed_ = kNever;           // when the timer fires
};

}  // namespace c10k
