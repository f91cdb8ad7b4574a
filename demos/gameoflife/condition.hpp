#pragma once

#include <c10k/awaiter.hpp>
#include <c10k/timer.hpp>

#include <coroutine>
#include <cstddef>

namespace life {

// Where tasks wait for some time, or until they are woken: what a condition variable is to threads. Each that wakes
// looks itself whether it may go on.
//
// Thread: that of one loop.
class Condition {
public:
    class WaitAwaiter;

    Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    // Suspends for `delay`, or until notify(). Returns whether it was notified. Stops.
    [[nodiscard]] WaitAwaiter wait_for(c10k::Duration delay) noexcept;

    // Wakes at most `count` tasks, those first that have waited longest.
    void notify(std::size_t count);
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    WaitAwaiter* first_ = nullptr;
    WaitAwaiter* last_ = nullptr;
    std::size_t waiting_ = 0;
};

class [[nodiscard]] Condition::WaitAwaiter final : public c10k::Awaiter, private c10k::Timer {
public:
    WaitAwaiter(Condition& condition, c10k::Duration delay) noexcept : condition_(condition), delay_(delay) {}
    WaitAwaiter(const WaitAwaiter&) = delete;
    WaitAwaiter& operator=(const WaitAwaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task);
    bool await_resume() const {
        throw_if_stopped();
        return is_notified_;
    }

private:
    friend class Condition;

    void wake();
    void on_time() override {
        is_notified_ = false;
        wake();
    }
    void on_stop() noexcept override { wake(); }

    Condition& condition_;
    c10k::Duration delay_;
    bool is_notified_ = true;
    WaitAwaiter* previous_ = nullptr;
    WaitAwaiter* next_ = nullptr;
};

inline Condition::WaitAwaiter Condition::wait_for(c10k::Duration delay) noexcept { return WaitAwaiter{*this, delay}; }

}  // namespace life
