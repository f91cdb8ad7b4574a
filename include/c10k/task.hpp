#pragma once

#include "c10k/ready.hpp"
#include "c10k/require.hpp"
#include "c10k/timer.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace c10k {

template <typename T = void>
class Task;
class Awaiter;

// Thrown by every awaiter of a task that was asked to stop. No std::exception, so that no handler of errors eats it.
class Stopped {};

// Thrown by with_timeout().
class TimedOut : public std::runtime_error {
public:
    TimedOut() : std::runtime_error("timed out") {}
    // For one that is caught and thrown anew with what was waited for.
    explicit TimedOut(const std::string& what) : std::runtime_error(what) {}
};

// Where requests to stop reach a task: a task and all that it awaits share one scope; with_timeout() and shielded()
// put another one inside it. A request is not a fact: the task goes on until it has ended.
class StopScope : public Ready {
public:
    StopScope() = default;

    void request_stop() noexcept;
    [[nodiscard]] bool stop_requested() const noexcept {
        return requested_ || (outer_ != nullptr && !shielded_ && outer_->stop_requested());
    }

private:
    friend class Awaiter;
    friend class TimedScope;

    void wake() noexcept;

    // A task that is ready neither waits nor has an inner scope: its queue uses the room of both.
    [[nodiscard]] StopScope* inner() const noexcept { return is_queued() ? nullptr : static_cast<StopScope*>(link_); }
    [[nodiscard]] Awaiter* waiting() const noexcept { return is_queued() ? nullptr : static_cast<Awaiter*>(who_); }
    void set_inner(StopScope* inner) noexcept { link_ = inner; }
    void set_waiting(Awaiter* waiting) noexcept { who_ = waiting; }

    bool requested_ = false;
    bool shielded_ = false;
    StopScope* outer_ = nullptr;
};

// Continues `task` later in this turn of this thread's loop; nothing is ever resumed from inside a callback.
// Throws std::logic_error if no loop runs on this thread.
void schedule(std::coroutine_handle<> task);
// The same for the task whose scope that is. Takes no memory. Throws std::logic_error also if a task of that scope is
// scheduled already: there is one at a time.
void schedule(StopScope& scope, std::coroutine_handle<> task);

// What a suspended task waits for, unless it is another task: the base of recv(), send(), sleep_for() and their like.
class Awaiter {
public:
    void bind(StopScope& scope) noexcept { scope_ = &scope; }

protected:
    Awaiter() = default;
    Awaiter(const Awaiter&) = default;
    Awaiter& operator=(const Awaiter&) = default;
    ~Awaiter() = default;

    [[nodiscard]] bool stop_requested() const noexcept { return scope_->stop_requested(); }
    void throw_if_stopped() const {
        if (stop_requested()) {
            throw Stopped{};
        }
    }
    [[nodiscard]] bool is_suspended() const noexcept { return task_ != nullptr; }

    void suspend(std::coroutine_handle<> task) noexcept {
        task_ = task;
        scope_->set_waiting(this);
    }
    // Schedules the task that suspend() noted; does nothing if there is none. Takes no memory.
    void resume() {
        if (task_ != nullptr) {
            schedule(*scope_, std::exchange(task_, nullptr));
        }
    }

    // A stop was requested while the task is suspended: end the wait and resume(), now or soon.
    virtual void on_stop() noexcept = 0;

private:
    friend class StopScope;

    std::coroutine_handle<> task_;
    StopScope* scope_ = nullptr;
};

// Is told that a task has ended. The frame of the task, and that alone, may be destroyed from inside the call.
class Completion {
public:
    virtual void on_completed() noexcept = 0;

protected:
    ~Completion() = default;
};

// Awaits an awaiter where it lies. Given a reference to one, g++ 12 awaits a copy: whoever knows the awaiter wakes
// nobody, and every coroutine holds each of its awaiters twice.
template <typename Awaited>
class InPlace {
public:
    explicit InPlace(Awaited& awaiter) noexcept : awaiter_(awaiter) {}

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }
    template <typename Promise>
    decltype(auto) await_suspend(std::coroutine_handle<Promise> task) {
        return awaiter_.await_suspend(task);
    }
    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    Awaited& awaiter_;
};

// Returns the awaiter that the operator co_await of `awaitable` makes.
template <typename Awaitable>
requires requires(Awaitable&& awaitable) { std::forward<Awaitable>(awaitable).operator co_await(); }
decltype(auto) made_awaiter(Awaitable&& awaitable) { return std::forward<Awaitable>(awaitable).operator co_await(); }
template <typename Awaitable>
requires requires(Awaitable&& awaitable) { operator co_await(std::forward<Awaitable>(awaitable)); }
decltype(auto) made_awaiter(Awaitable&& awaitable) { return operator co_await(std::forward<Awaitable>(awaitable)); }

template <typename Awaitable>
concept MakesAwaiter = requires(Awaitable&& awaitable) {
    made_awaiter(std::forward<Awaitable>(awaitable));
};

// The part of a task's promise that does not depend on its result.
class TaskPromise {
public:
    static std::suspend_always initial_suspend() noexcept { return {}; }

    struct Final {
        static bool await_ready() noexcept { return false; }
        template <typename Promise>
        static void await_suspend(std::coroutine_handle<Promise> task) noexcept {
            task.promise().completion_->on_completed();
        }
        static void await_resume() noexcept {}
    };
    static Final final_suspend() noexcept { return {}; }

    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    // Asks for the promise of the task itself: `TaskPromise& me = co_await this_task();`
    struct Self {
        TaskPromise* promise = nullptr;
        static bool await_ready() noexcept { return true; }
        static void await_suspend(std::coroutine_handle<>) noexcept {}
        [[nodiscard]] TaskPromise& await_resume() const noexcept { return *promise; }
    };

    template <typename Awaitable>
    decltype(auto) await_transform(Awaitable&& awaitable) {
        if constexpr (std::derived_from<std::remove_cvref_t<Awaitable>, Awaiter>) {
            awaitable.bind(*scope_);
        } else if constexpr (std::same_as<std::remove_cvref_t<Awaitable>, Self>) {
            awaitable.promise = this;
        }
        if constexpr (!MakesAwaiter<Awaitable>) {
            static_assert(
                requires { awaitable.await_ready(); },
                "co_await takes an awaiter, or a task that is moved: co_await std::move(task)");
            return InPlace<std::remove_reference_t<Awaitable>>{awaitable};
        } else if constexpr (std::is_reference_v<decltype(made_awaiter(std::forward<Awaitable>(awaitable)))>) {
            auto&& awaiter = made_awaiter(std::forward<Awaitable>(awaitable));
            return InPlace<std::remove_reference_t<decltype(awaiter)>>{awaiter};
        } else {
            return std::forward<Awaitable>(awaitable);
        }
    }

    [[nodiscard]] StopScope& scope() const noexcept { return *scope_; }
    void set_scope(StopScope& scope) noexcept { scope_ = &scope; }
    void set_completion(Completion& completion) noexcept { completion_ = &completion; }
    // It has been started or awaited.
    [[nodiscard]] bool has_begun() const noexcept { return completion_ != nullptr; }
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

private:
    Completion* completion_ = nullptr;
    StopScope* scope_ = nullptr;
    std::exception_ptr failure_;
};

[[nodiscard]] inline TaskPromise::Self this_task() noexcept { return {}; }

template <typename T>
class ValuePromise : public TaskPromise {
public:
    Task<T> get_return_object() noexcept;
    template <typename U>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    T take() { return std::move(*value_); }

private:
    std::optional<T> value_;
};

template <>
class ValuePromise<void> : public TaskPromise {
public:
    Task<void> get_return_object() noexcept;
    static void return_void() noexcept {}
    static void take() noexcept {}
};

// Resumes `task` as soon as the running one returns to the loop, before all else: how a finished task continues the
// task that awaited it without growing the stack.
void continue_with(std::coroutine_handle<> task) noexcept;

// A coroutine on the loop: lazy, owned, awaited once. It starts when it is awaited, spawned into a group, or run.
//
// An empty Task<> may be awaited, spawned and run, too, and has ended: a function that only sometimes has to wait costs
// nothing when it returns {}. An empty task that owes a result throws std::logic_error instead.
// Requires: it has not started or has ended when it is destroyed. Not checked: a destructor has nobody to tell.
template <typename T>
class [[nodiscard]] Task {
public:
    using promise_type = ValuePromise<T>;
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
    [[nodiscard]] bool done() const noexcept { return handle_ == nullptr || handle_.done(); }

    // Starts it as the root of a tree of tasks, later in this turn of this thread's loop. `completion` hears of its end
    // in a later step of the loop, also if it is empty. Throws std::logic_error if it was started or awaited before, or
    // no loop runs on this thread.
    void start(StopScope& scope, Completion& completion) {
        if (handle_ == nullptr) {
            *this = awaits_nothing();
        }
        internal::require(!handle_.promise().has_begun(), kRunsOnce);
        schedule(scope, handle_);
        handle_.promise().set_scope(scope);
        handle_.promise().set_completion(completion);
    }
    // The result of a task that has ended. Throws what the task threw, and std::logic_error if it has not ended or is
    // empty and owes a result.
    T result() {
        if (handle_ == nullptr) {
            return Joiner{handle_}.await_resume();
        }
        internal::require(handle_.done(), "result(): the task has not ended");
        if (handle_.promise().failure()) {
            std::rethrow_exception(handle_.promise().failure());
        }
        return handle_.promise().take();
    }

    class Joiner final : public Completion {
    public:
        explicit Joiner(Handle task) noexcept : task_(task) {}
        [[nodiscard]] bool await_ready() const noexcept { return task_ == nullptr; }
        template <typename Promise>
        bool await_suspend(std::coroutine_handle<Promise> parent) {
            task_.promise().set_scope(parent.promise().scope());
            task_.promise().set_completion(*this);
            task_.resume();  // up to its first wait
            if (done_) {
                return false;  // not suspending after all: a loop over such tasks stays on this level of the stack
            }
            parent_ = parent;
            return true;
        }
        T await_resume() {
            if constexpr (std::is_void_v<T>) {
                if (task_ == nullptr) {
                    return;
                }
            }
            internal::require(task_ != nullptr, "this Task is empty: the function that returned it owes a result");
            if (task_.promise().failure()) {
                std::rethrow_exception(task_.promise().failure());
            }
            return task_.promise().take();
        }
        void on_completed() noexcept override {
            done_ = true;
            if (parent_) {
                continue_with(parent_);
            }
        }

    private:
        Handle task_;
        std::coroutine_handle<> parent_;
        bool done_ = false;
    };
    // Throws std::logic_error if it was started or awaited before.
    Joiner operator co_await() && {
        internal::require(handle_ == nullptr || !handle_.promise().has_begun(), kRunsOnce);
        return Joiner{handle_};
    }

private:
    static constexpr const char* kRunsOnce = "a Task runs once: this one was started or awaited before";

    // A coroutine that ends as an empty task does.
    static Task awaits_nothing() { co_return co_await Task{}; }

    Handle handle_;
};

template <typename T>
Task<T> ValuePromise<T>::get_return_object() noexcept {
    return Task<T>{std::coroutine_handle<ValuePromise<T>>::from_promise(*this)};
}
inline Task<void> ValuePromise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<ValuePromise<void>>::from_promise(*this)};
}

// Suspends for `delay`, at least. Stops.
class [[nodiscard]] SleepAwaiter final : public Awaiter, private Timer {
public:
    explicit SleepAwaiter(Duration delay) noexcept : delay_(delay) {}
    SleepAwaiter(const SleepAwaiter& other) noexcept : Awaiter(other), Timer(), delay_(other.delay_) {}
    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) {
        suspend(task);
        start(delay_);
    }
    void await_resume() const { throw_if_stopped(); }

private:
    void on_time() override { resume(); }
    void on_stop() noexcept override {
        cancel();
        resume();
    }

    Duration delay_;
};
inline SleepAwaiter sleep_for(Duration delay) noexcept { return SleepAwaiter{delay}; }

// Suspends until the task is stopped. Throws Stopped.
class [[nodiscard]] StopAwaiter final : public Awaiter {
public:
    [[nodiscard]] bool await_ready() const noexcept { return stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) noexcept { suspend(task); }
    void await_resume() const { throw_if_stopped(); }

private:
    void on_stop() noexcept override { resume(); }
};
inline StopAwaiter until_stopped() noexcept { return {}; }

// Lets everything else that is ready go first: for long computations between two waits. Stops.
inline SleepAwaiter yield() noexcept { return SleepAwaiter{Duration::zero()}; }

template <typename Awaitable>
struct AwaitResult {
    using Type = decltype(std::declval<Awaitable>().await_resume());
};
template <typename T>
struct AwaitResult<Task<T>> {
    using Type = T;
};

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

// Awaits `awaitable` (a task or an awaiter), but stops it after `limit` and then throws TimedOut. What was waited for
// is not lost: a message that has not been taken can still be received.
template <typename Awaitable>
Task<typename AwaitResult<Awaitable>::Type> with_timeout(Duration limit, Awaitable awaitable) {
    TaskPromise& me = co_await this_task();
    TimedScope scope{me, limit, TimedScope::Outer::kStopsThis};
    try {
        co_return co_await std::move(awaitable);
    } catch (const Stopped&) {
        scope.rethrow();
    }
}

// Awaits `awaitable` even if the task around it is stopped, for at most `limit`: for a last word to somebody else.
// Throws TimedOut after that.
template <typename Awaitable>
Task<typename AwaitResult<Awaitable>::Type> shielded(Duration limit, Awaitable awaitable) {
    TaskPromise& me = co_await this_task();
    TimedScope scope{me, limit, TimedScope::Outer::kIsShieldedOff};
    try {
        co_return co_await std::move(awaitable);
    } catch (const Stopped&) {
        scope.rethrow();
    }
}

// Sibling tasks, all of which have ended when task_group() returns. There is no other way to start a task on its own.
class TaskGroup {
public:
    using FailureHandler = std::function<void(std::exception_ptr)>;

    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Starts `task` later in this turn. If it fails, the others are stopped and task_group() throws what it threw.
    void spawn(Task<> task);
    // As above, but a failure is only told to `on_failure`. Both throw std::logic_error if the task was started or
    // awaited before, or no loop runs on this thread. Requires: `on_failure` throws nothing. Not checked: nobody is
    // left to catch it, and the program ends.
    void spawn(Task<> task, FailureHandler on_failure);

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
    bool stopping_ = false;
};

// Runs `body(group)` as the first task of a new group and waits for all that it spawned. Stops: all of them.
template <typename Body>
Task<> task_group(Body body) {
    TaskGroup group;
    group.spawn(body(group));
    co_await group.join();
}

// Runs `part(0)` on this loop, and `part(1)` to `part(count - 1)` each on a new loop on a thread of its own, with the
// same backend. Returns when all have ended. If one fails, the others are stopped, and on_loops() throws what it threw.
// Stops: all of them. `part` is called on all these threads at once.
// Requires: count > 0. Throws std::logic_error otherwise.
Task<> on_loops(std::size_t count, std::function<Task<>(std::size_t)> part);

// A failure handler for TaskGroup::spawn that writes one line to the log.
void log_failure(std::exception_ptr failure);

// Runs `main` on a new loop on this thread and returns when it has ended. SIGINT or SIGTERM stops it; a second one
// ends the process. Throws what `main` threw; Stopped if it was stopped.
void run(Task<> main);

}  // namespace c10k
