#pragma once

#include "c10k/internal/promise.hpp"
#include "c10k/timer.hpp"

#include <utility>

// The machinery of with_timeout() and shielded().
namespace c10k::internal {

template <typename Awaitable>
struct AwaitResult {
    using Type = decltype(std::declval<Awaitable>().await_resume());
};
template <typename T>
struct AwaitResult<Task<T>> {
    using Type = T;
};

// The type of the result of awaiting it.
template <typename Awaitable>
using ResultOf = typename AwaitResult<Awaitable>::Type;

// A scope inside the one of the running task, with a time limit. The task returns to its own scope with the destructor.
class TimedScope final : private Timer {
public:
    enum class Outer { kStopsThis, kIsShieldedOff };

    TimedScope(TaskPromise& task, Duration limit, Outer outer);
    ~TimedScope();

    // Throws TimedOut if it was the limit that stopped the task, else Stopped.
    [[noreturn]] void rethrow() const;

private:
    void on_time() override { scope_.request_stop(); }

    TaskPromise& task_;
    StopScope& outer_;
    StopScope scope_;
};

// Awaits `awaitable` in such a scope.
template <typename Awaitable>
Task<ResultOf<Awaitable>> timed(Duration limit, Awaitable awaitable, TimedScope::Outer outer) {
    TaskPromise& me = co_await this_task();
    TimedScope scope{me, limit, outer};
    try {
        co_return co_await std::move(awaitable);
    } catch (const Stopped&) {
        scope.rethrow();
    }
}

}  // namespace c10k::internal
