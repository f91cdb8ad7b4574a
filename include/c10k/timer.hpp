#pragma once

#include <chrono>
#include <cstdint>

namespace c10k {

using Duration = std::chrono::nanoseconds;

// Calls a function on a loop at a later time. The destructor cancels it.
// Thread: a timer belongs to the loop on whose thread it was started.
class Timer {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // Starts it, or moves it if it is running, on the loop of this thread. Accurate to 1 ms.
    void start(Duration delay);
    void cancel() noexcept;
    [[nodiscard]] bool is_running() const noexcept { return next_ != nullptr; }

protected:
    ~Timer() { cancel(); }

    // Called once by the loop when the time has come. May start the timer again.
    virtual void on_time() = 0;

private:
    friend class TimerWheel;

    Timer* previous_ = nullptr;
    Timer* next_ = nullptr;
    std::int64_t tick_ = 0;  // when it fires, in ms of the loop's clock
};

}  // namespace c10k
