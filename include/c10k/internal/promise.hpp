#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/internal/frame_memory.hpp"
#include "c10k/internal/require.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

// The promise type that makes a function returning a Task a coroutine.
namespace c10k {

template <typename T>
class Task;

namespace internal {

// Awaits an awaiter where it lies. Given a reference to one, g++ 12 awaits a copy: whatever wakes the original then
// wakes nobody, and every coroutine holds each of its awaiters twice.
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
    static void* operator new(std::size_t bytes) { return take_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { give_frame(frame, bytes); }

    static std::suspend_always initial_suspend() noexcept { return {}; }

    struct Final {
        static bool await_ready() noexcept { return false; }
        template <typename Promise>
        static void await_suspend(std::coroutine_handle<Promise> task) noexcept {
            task.promise().listener_->on_completed();
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

    // Throws std::logic_error if it was started or awaited before.
    void require_fresh() const {
        require(listener_ == nullptr, "a Task runs once: this one was started or awaited before");
    }
    // It is started or awaited: tells `listener` of its end.
    void begin(StopScope& scope, CompletionListener& listener) noexcept {
        scope_ = &scope;
        listener_ = &listener;
    }
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

private:
    CompletionListener* listener_ = nullptr;
    StopScope* scope_ = nullptr;
    std::exception_ptr failure_;
};

[[nodiscard]] inline TaskPromise::Self this_task() noexcept { return {}; }

template <typename T>
class ValuePromise : public TaskPromise {
public:
    Task<T> get_return_object() noexcept {
        return Task<T>{std::coroutine_handle<ValuePromise<T>>::from_promise(*this)};
    }
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

template <typename T>
using TaskHandle = std::coroutine_handle<ValuePromise<T>>;

// The result of a task that has ended; a null handle is an empty task. Throws what the task threw, and std::logic_error
// if it is empty and owes a result.
template <typename T>
T take_result(TaskHandle<T> task) {
    if constexpr (std::is_void_v<T>) {
        if (task == nullptr) {
            return;
        }
    }
    require(task != nullptr, "this Task is empty: the function that returned it owes a result");
    if (task.promise().failure()) {
        std::rethrow_exception(task.promise().failure());
    }
    return task.promise().take();
}

// Resumes `task` as soon as the running one returns to the loop, before all else: how a finished task continues the
// task that awaited it without growing the stack.
void continue_with(std::coroutine_handle<> task) noexcept;

// Awaits a task.
template <typename T>
class TaskAwaiter final : public CompletionListener {
public:
    explicit TaskAwaiter(TaskHandle<T> task) noexcept : task_(task) {}
    [[nodiscard]] bool await_ready() const noexcept { return task_ == nullptr; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) {
        task_.promise().begin(parent.promise().scope(), *this);
        task_.resume();  // up to its first wait
        if (task_.done()) {
            return false;  // not suspending after all: a loop over such tasks stays on this level of the stack
        }
        parent_ = parent;
        return true;
    }
    T await_resume() { return take_result<T>(task_); }
    void on_completed() noexcept override {
        if (parent_) {
            continue_with(parent_);
        }
    }

private:
    TaskHandle<T> task_;
    std::coroutine_handle<> parent_;
};

}  // namespace internal
}  // namespace c10k
