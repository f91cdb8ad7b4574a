#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/internal/require.hpp"

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

// The machinery of Completion.
namespace c10k {

class Job;
class JobQueue;

namespace internal {

class CompletionAwaiter;

// The state that a Completion shares with its completers, without the value. It lives as long as one of them.
//
// All atomics are sequentially consistent: that is what makes "look whether it is over, then wait" and "be over, then
// look who waits" miss nothing.
class CompletionState : public std::enable_shared_from_this<CompletionState> {
public:
    enum class Phase : std::uint8_t {
        kPending,
        kStoring,    // a completer has won, and writes the value
        kUnwanted,   // the Completion has gone first
        kCompleted,  // from here on it is over for the completers
        kFailed,
        kMissing,  // the last completer has gone
        kTaken,
    };

    CompletionState(const CompletionState&) = delete;
    CompletionState& operator=(const CompletionState&) = delete;

    // Thread: any.
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] bool is_over() const noexcept { return phase_ >= Phase::kCompleted; }

    // ---- For completers. Thread: any.

    void add_completer() noexcept { ++completers_; }
    void drop_completer() noexcept {
        if (--completers_ == 0) {
            end_without_value();
        }
    }
    // Returns false if another completer was first, or the Completion has gone.
    bool fail(std::exception_ptr failure) noexcept;

    // ---- For the Completion and its awaiter. Thread: that of the task that waits.

    // Nobody takes the value any more. Returns whether it is there: then no completer touches it again.
    bool abandon() noexcept;
    // Throws std::logic_error if another task waits.
    void require_free() const { require(waiter_ == nullptr, "wait(): another task waits for this Completion"); }
    // Without a completer nothing will ever come.
    [[nodiscard]] bool is_over_or_orphaned() noexcept {
        if (completers_ == 0) {
            end_without_value();
        }
        return is_over();
    }
    // A task waits from now on, and `waiter` is woken once. Returns false if it is over already.
    bool begin_wait(CompletionAwaiter& waiter);
    void end_wait() noexcept;

protected:
    CompletionState();
    ~CompletionState();

    // The first of them stores the value and calls end_storing().
    bool begin_storing() noexcept {
        Phase pending = Phase::kPending;
        return phase_.compare_exchange_strong(pending, Phase::kStoring);
    }
    void end_storing(Phase phase) noexcept {
        phase_ = phase;
        wake();
    }
    // Notes that the value goes to the caller. Throws the failure, NeverCompleted, or std::logic_error if it was taken.
    void begin_taking();

    std::exception_ptr failure_;

private:
    class WakeJob;

    void end_without_value() noexcept;
    void wake() noexcept;

    std::atomic<Phase> phase_{Phase::kPending};
    std::atomic<bool> awaited_{false};
    std::atomic<std::size_t> completers_{0};
    // For wake(). Allocated when the wait begins, so that no completer can fail for lack of memory. Only the thread
    // that resets `awaited_` touches them.
    std::shared_ptr<JobQueue> jobs_;
    std::unique_ptr<WakeJob> wake_job_;
    CompletionAwaiter* waiter_ = nullptr;  // the task's thread alone looks at it
};

template <typename T>
using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <typename T>
class CompletionValue final : public CompletionState {
public:
    bool complete(Stored<T>&& value) noexcept {
        if (!begin_storing()) {
            return false;
        }
        try {
            value_.emplace(std::move(value));
        } catch (...) {
            failure_ = std::current_exception();
        }
        end_storing(failure_ ? Phase::kFailed : Phase::kCompleted);
        return true;
    }
    T take() {
        begin_taking();
        if constexpr (!std::is_void_v<T>) {
            T value = *std::move(value_);
            value_.reset();
            return value;
        }
    }
    void drop_completion() noexcept {
        if (abandon()) {
            value_.reset();
            failure_ = nullptr;
        }
    }

private:
    std::optional<Stored<T>> value_;
};

// Waits until a state is over.
class CompletionAwaiter : public Awaiter {
public:
    explicit CompletionAwaiter(CompletionState& state) noexcept : state_(state) {}

    [[nodiscard]] bool await_ready() const {
        state_.require_free();
        return stop_requested() || state_.is_over_or_orphaned();
    }
    bool await_suspend(std::coroutine_handle<> task) {
        if (!state_.begin_wait(*this)) {
            return false;
        }
        suspend(task);
        return true;
    }
    void wake() { resume(); }

protected:
    void on_stop() noexcept override {
        state_.end_wait();
        resume();
    }

private:
    CompletionState& state_;
};

}  // namespace internal
}  // namespace c10k
