#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/internal/promise.hpp"
#include "c10k/internal/require.hpp"
#include "c10k/internal/timed_scope.hpp"
#include "c10k/timer.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {

// A coroutine on the loop: lazy, owned, awaited once. It starts when it is awaited, spawned into a group, or run.
//
// An empty Task<> may be awaited, spawned and run, too, and has ended: a function that only sometimes has to wait costs
// nothing when it returns {}. An empty task that owes a result throws std::logic_error instead.
// Requires: it has not started or has ended when it is destroyed. Not checked: a destructor has nobody to tell.
template <typename T = void>
class [[nodiscard]] Task {
public:
    using promise_type = internal::ValuePromise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task() noexcept = default;
    explicit Task(Handle handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) {
            handle_.destroy();
        }
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    // The memory of its coroutine; null if it is empty. For the library.
    [[nodiscard]] void* frame() const noexcept { return handle_ ? handle_.address() : nullptr; }
    [[nodiscard]] bool done() const noexcept { return handle_ == nullptr || handle_.done(); }

    // Starts it as the root of a tree of tasks, later in this turn of this thread's loop. `listener` hears of its end
    // in a later step of the loop, also if it is empty. Throws std::logic_error if it was started or awaited before, or
    // no loop runs on this thread.
    void start(StopScope& scope, CompletionListener& listener) {
        if (handle_ == nullptr) {
            *this = awaits_nothing();
        }
        handle_.promise().require_fresh();
        schedule(scope, handle_);
        handle_.promise().begin(scope, listener);
    }
    // The result of a task that has ended. Throws what the task threw, and std::logic_error if it has not ended or is
    // empty and owes a result.
    T result() {
        internal::require(done(), "result(): the task has not ended");
        return internal::take_result<T>(handle_);
    }

    // Awaits it. Throws std::logic_error if it was started or awaited before.
    internal::TaskAwaiter<T> operator co_await() && {
        if (handle_ != nullptr) {
            handle_.promise().require_fresh();
        }
        return internal::TaskAwaiter<T>{handle_};
    }

private:
    // A coroutine that ends as an empty task does.
    static Task awaits_nothing() { co_return co_await Task{}; }

    Handle handle_;
};

// ---- Waiting

// Suspends for `delay`, at least. Stops.
inline SleepAwaiter sleep_for(Duration delay) noexcept { return SleepAwaiter{delay}; }

// Lets everything else that is ready go first: for long computations between two waits. Stops.
inline SleepAwaiter yield() noexcept { return SleepAwaiter{Duration::zero()}; }

// Suspends until the task is stopped. Throws Stopped.
inline StopAwaiter until_stopped() noexcept { return {}; }

// Thrown by with_timeout().
class TimedOut : public std::runtime_error {
public:
    TimedOut() : std::runtime_error("timed out") {}
    // For code that catches one and throws it again with a text of its own.
    explicit TimedOut(const std::string& what) : std::runtime_error(what) {}
};

// Awaits `awaitable` (a task or an awaiter), but stops it after `limit` and then throws TimedOut. Nothing is lost: you
// can still receive a message that comes later.
template <typename Awaitable>
Task<internal::ResultOf<Awaitable>> with_timeout(Duration limit, Awaitable awaitable) {
    return internal::timed(limit, std::move(awaitable), internal::TimedScope::Outer::kStopsThis);
}

// Awaits `awaitable` even if the task around it is stopped, for at most `limit`: for example to send a goodbye. Throws
// TimedOut after that.
template <typename Awaitable>
Task<internal::ResultOf<Awaitable>> shielded(Duration limit, Awaitable awaitable) {
    return internal::timed(limit, std::move(awaitable), internal::TimedScope::Outer::kIsShieldedOff);
}

// ---- Several tasks

// Sibling tasks, all of which have ended when task_group() returns. There is no other way to start a task on its own.
class TaskGroup {
public:
    using FailureHandler = std::function<void(std::exception_ptr)>;

    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Starts `task` later in this turn. If it fails, the group stops the others, and task_group() rethrows its
    // exception.
    void spawn(Task<> task);
    // As above, but a failure is only told to `on_failure`. Both throw std::logic_error if the task was started or
    // awaited before, or no loop runs on this thread. Requires: `on_failure` throws nothing. Not checked: nobody is
    // left to catch it, and the program ends.
    void spawn(Task<> task, FailureHandler on_failure);
    // Failures of tasks that are spawned from now on without a handler of their own are only told to `on_failure`,
    // which throws nothing: a million tasks need no memory for a handler each.
    void on_failure(FailureHandler on_failure) { on_failure_ = std::move(on_failure); }

    // Asks every task of the group to stop, and those that are spawned later.
    void stop() noexcept;

    // How many have not ended.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // Suspends until every task has ended; a stop is passed on to them.
    class JoinAwaiter final : public Awaiter {
    public:
        explicit JoinAwaiter(TaskGroup& group) noexcept : group_(group) {}
        bool await_ready();
        void await_suspend(std::coroutine_handle<> task);
        void await_resume() const;

    private:
        friend class TaskGroup;
        void on_stop() noexcept override { group_.stop(); }

        TaskGroup& group_;
    };
    [[nodiscard]] JoinAwaiter join() noexcept { return JoinAwaiter{*this}; }

private:
    class Member;

    // The member's task has ended: it leaves the list.
    void retire(Member& member) noexcept;

    Member* first_ = nullptr;
    std::size_t size_ = 0;
    JoinAwaiter* joiner_ = nullptr;
    std::exception_ptr failure_;
    FailureHandler on_failure_;
    bool stopping_ = false;
};

// Runs `body(group)` as the first task of a new group and waits for all that it spawned. Stops: all of them.
template <typename Body>
Task<> task_group(Body body) {
    TaskGroup group;
    group.spawn(body(group));
    co_await group.join();
}

// A failure handler for TaskGroup::spawn that writes one line to the log.
void log_failure(std::exception_ptr failure);

// ---- Loops

// Runs `main` on a new loop on this thread and returns when it has ended. SIGINT or SIGTERM stops it; a second one
// ends the process. Throws what `main` threw; Stopped if it was stopped.
void run(Task<> main);

// Runs `part(0)` on this loop, and `part(1)` to `part(count - 1)` each on a new loop on a thread of its own, with the
// same backend. Returns when all have ended. If one fails, the others are stopped, and on_loops() throws what it threw.
// Stops: all of them. `part` is called on all these threads at once.
// Requires: count > 0. Throws std::logic_error otherwise.
Task<> on_loops(std::size_t count, std::function<Task<>(std::size_t)> part);

inline Task<void> internal::ValuePromise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<ValuePromise<void>>::from_promise(*this)};
}

}  // namespace c10k
