#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/internal/completion_state.hpp"
#include "c10k/internal/require.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace c10k {

// Thrown where a Completion is awaited: its last completer is gone, and has not completed it.
class NeverCompleted : public std::runtime_error {
public:
    NeverCompleted() : std::runtime_error("nothing will complete this: its last completer has gone") {}
};

// The right to complete a Completion, once. It is a handle: copies complete the same one, and the first to do so wins.
//
// Thread: any, several at once; not from a signal handler. The value may be destroyed on the thread of a completer.
template <typename T = void>
class Completer {
public:
    // An empty one, which completes nothing: every call returns false.
    Completer() noexcept = default;
    Completer(const Completer& other) noexcept : value_(other.value_) {
        if (value_) {
            value_->add_completer();
        }
    }
    Completer(Completer&& other) noexcept : value_(std::move(other.value_)) {}
    Completer& operator=(Completer other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    // The last completer to go completes it with NeverCompleted.
    ~Completer() {
        if (value_) {
            value_->drop_completer();
        }
    }

    // Gives the task that waits, or that will wait, its value, and wakes the task's loop. Returns false, and drops the
    // value, if it was completed before or the Completion has gone.
    // True does not promise that a task takes the value: the Completion may go just now, or its loop end.
    bool complete(internal::Stored<T> value) const noexcept requires(!std::is_void_v<T>) {
        return value_ && value_->complete(std::move(value));
    }
    bool complete() const noexcept requires std::is_void_v<T> { return value_ && value_->complete({}); }
    // The same with an exception, which wait() throws. Requires: `failure` is not null. Throws std::logic_error
    // otherwise.
    bool fail(std::exception_ptr failure) const {
        internal::require(failure != nullptr, "fail(): there is no exception");
        return value_ && value_->fail(std::move(failure));
    }
    // Whether a value can still reach a task: a long computation may give up once it cannot.
    [[nodiscard]] bool is_wanted() const noexcept {
        return value_ && value_->phase() == internal::CompletionState::Phase::kPending;
    }

    // Becomes a pointer, for the `void*` of a callback in C, and leaves this completer empty. The pointer counts as a
    // completer until adopt() takes it.
    [[nodiscard]] void* release() { return std::make_unique<Completer>(std::move(*this)).release(); }
    // Requires: `released` comes from release() of a Completer<T>, and is adopted once. Not checked: a `void*` does not
    // tell.
    [[nodiscard]] static Completer adopt(void* released) noexcept {
        const std::unique_ptr<Completer> owned{static_cast<Completer*>(released)};
        return std::move(*owned);
    }

private:
    template <typename>
    friend class Completion;

    explicit Completer(std::shared_ptr<internal::CompletionValue<T>> value) noexcept : value_(std::move(value)) {
        value_->add_completer();
    }

    std::shared_ptr<internal::CompletionValue<T>> value_;
};

// A value that a task waits for, and that any thread or callback completes, once: the bridge to code that knows no
// coroutines.
//
//     Completion<Answer> answer;
//     client.ask(question, [completer = answer.completer()](Answer said) { completer.complete(std::move(said)); });
//     use(co_await answer.wait());
//
// If the view is stopped or fails meanwhile, the Completion goes with it, and a completer that comes late changes
// nothing. If no completer is left, wait() throws NeverCompleted.
// Thread: that of the loop whose task waits; it may be made elsewhere.
// Requires: no task waits for it when it is destroyed. Not checked: a destructor has nobody to tell.
template <typename T = void>
class [[nodiscard]] Completion {
public:
    class WaitAwaiter;

    static_assert(std::is_void_v<T> || (std::is_object_v<T> && !std::is_const_v<T>), "a Completion holds a value");

    Completion() : value_(std::make_shared<internal::CompletionValue<T>>()) {}
    Completion(Completion&& other) noexcept : value_(std::move(other.value_)) {}
    Completion& operator=(Completion&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Completion() {
        if (value_) {
            value_->drop_completion();
        }
    }

    // One more completer. After the last one has gone, or one has completed it, further ones change nothing.
    // Requires: the Completion was not moved from, which goes for wait(), too. Throws std::logic_error otherwise.
    [[nodiscard]] Completer<T> completer() const {
        internal::require(value_ != nullptr, "completer(): the Completion was moved from");
        return Completer<T>{value_};
    }

    // Whether wait() would not suspend: it was completed, with a value or an exception.
    [[nodiscard]] bool is_completed() const noexcept { return value_ && value_->is_over(); }

    // Suspends until it is completed, and takes the value. Stops; stopping the wait loses nothing, and with_timeout()
    // may wait again.
    // Throws the exception that it was completed with, or NeverCompleted.
    // Requires: one task waits at a time, and the value was not taken. Throws std::logic_error otherwise, when it is
    // awaited.
    [[nodiscard]] WaitAwaiter wait() {
        internal::require(value_ != nullptr, "wait(): the Completion was moved from");
        return WaitAwaiter{*value_};
    }

private:
    std::shared_ptr<internal::CompletionValue<T>> value_;
};

template <typename T>
class [[nodiscard]] Completion<T>::WaitAwaiter : public internal::CompletionAwaiter {
public:
    explicit WaitAwaiter(internal::CompletionValue<T>& value) noexcept
        : internal::CompletionAwaiter(value), value_(value) {}
    T await_resume() {
        throw_if_stopped();
        return value_.take();
    }

private:
    internal::CompletionValue<T>& value_;
};

}  // namespace c10k
