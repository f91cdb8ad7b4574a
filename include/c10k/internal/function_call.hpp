#pragma once

#include "c10k/completion.hpp"
#include "c10k/internal/blocking_call.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

// The machinery of run_blocking().
namespace c10k {

class BlockingPool;

namespace internal {

// A call that was given to the pool of this thread's loop. Unless it has begun, it goes with this object.
class PooledCall {
public:
    // Throws BlockingQueueFull, and std::system_error if the kernel gives the pool no thread.
    explicit PooledCall(std::shared_ptr<BlockingCall> call);
    ~PooledCall() { withdraw(); }
    PooledCall(const PooledCall&) = delete;
    PooledCall& operator=(const PooledCall&) = delete;

    void withdraw() noexcept;

private:
    BlockingPool& pool_;
    std::shared_ptr<BlockingCall> call_;
};

// A function with its arguments and a completer for its result.
template <typename Result, typename Function, typename... Arguments>
class FunctionCall final : public BlockingCall {
public:
    template <typename... Given>
    explicit FunctionCall(Given&&... given) : bound_(std::in_place, std::forward<Given>(given)...) {}

    void set_completer(Completer<Result> completer) noexcept { completer_ = std::move(completer); }
    // The function and its arguments are gone before the task goes on.
    void run() noexcept override {
        std::optional<Stored<Result>> result;
        std::exception_ptr failure;
        try {
            call_into(result);
        } catch (...) {
            failure = std::current_exception();
        }
        bound_.reset();
        const Completer<Result> completer = std::move(completer_);
        if (failure) {
            completer.fail(std::move(failure));
        } else if constexpr (std::is_void_v<Result>) {
            completer.complete();
        } else {
            completer.complete(*std::move(result));
        }
    }

private:
    void call_into(std::optional<Stored<Result>>& result) {
        const auto call = [](auto&&... parts) -> Result { return std::invoke(std::move(parts)...); };
        if constexpr (std::is_void_v<Result>) {
            std::apply(call, *std::move(bound_));
        } else {
            result.emplace(std::apply(call, *std::move(bound_)));
        }
    }

    std::optional<std::tuple<Function, Arguments...>> bound_;
    Completer<Result> completer_;
};

// Waits for the result. A stop withdraws the call at once: from then on it does not begin.
template <typename Result>
class BlockingAwaiter final : public Completion<Result>::WaitAwaiter {
public:
    using Base = typename Completion<Result>::WaitAwaiter;
    BlockingAwaiter(Base&& wait, PooledCall& call) noexcept : Base(std::move(wait)), call_(call) {}

private:
    void on_stop() noexcept override {
        call_.withdraw();
        Base::on_stop();
    }

    PooledCall& call_;
};

}  // namespace internal
}  // namespace c10k
