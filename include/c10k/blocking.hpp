#pragma once

#include "c10k/completion.hpp"
#include "c10k/internal/function_call.hpp"
#include "c10k/task.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace c10k {

// Thrown by run_blocking(): every thread is busy, and the queue is full. A page that does not handle it answers with
// 503, and so does a handshake; an open WebSocket is closed with 1013.
class BlockingQueueFull : public std::runtime_error {
public:
    BlockingQueueFull() : std::runtime_error("too many blocking functions wait for a thread") {}
};

namespace internal {

// Of a call of the copies.
template <typename Function, typename... Arguments>
using BlockingResult = std::invoke_result_t<std::decay_t<Function>, std::decay_t<Arguments>...>;

// A lambda without a name that captures something with a destructor. Inside of a co_await expression g++ 12 would
// destroy its captures twice.
template <typename Function>
concept CapturingTemporary = std::is_class_v<Function> && !std::is_trivially_destructible_v<Function> &&
                             !std::is_default_constructible_v<Function> && !std::is_copy_assignable_v<Function>;

template <typename Result, typename Call>
Task<Result> await_blocking(std::shared_ptr<Call> call) {
    TaskPromise& me = co_await this_task();
    if (me.scope().stop_requested()) {
        throw Stopped{};
    }
    Completion<Result> completion;
    call->set_completer(completion.completer());
    PooledCall pooled{std::move(call)};
    BlockingAwaiter<Result> result{completion.wait(), pooled};
    co_return co_await result;
}

}  // namespace internal

// Calls `function(arguments...)` on another thread, and returns its result: for code that blocks, such as a database, a
// file, or a computation of more than a millisecond, which would hold up every connection of the loop.
//
//     const User user = co_await run_blocking(&Database::find, database, name);  // database: std::shared_ptr<Database>
//
// As with std::async(), the function and its arguments are copied or moved into the call, which passes the arguments on
// as temporaries. They are destroyed on that thread, before the task goes on. The loops of a run() or of a server share
// one pool of at most `blocking_threads` threads, and `blocking_queue` more calls wait for one, first come, first
// served. A call that waits takes no thread.
//
// Stops: the task does not wait for a function that has begun. It runs on, and its result is dropped; a call that waits
// for a thread does not begin. So the function may outlive the view: give it values and std::shared_ptr, never a
// reference to a variable of the view. What belongs to the site may be referred to: a server, and run(), end only when
// all functions have returned. shielded() waits for the end of a function although the view is stopped.
//
// Throws what the function throws, and BlockingQueueFull.
// In a testkit::Server or a simulation there are no threads: the function runs on the loop, in a later step, and in a
// simulation at a later time, both of which follow from the seed. So it must not wait for another task.
// Requires: what the function refers to lives until it has returned, and it uses nothing that belongs to a loop, such
// as a WebSocket (a WebSocketHandle is for all threads). Not checked: a function does not tell.
template <typename Function, typename... Arguments>
Task<internal::BlockingResult<Function, Arguments...>> run_blocking(Function&& function, Arguments&&... arguments) {
    using Result = internal::BlockingResult<Function, Arguments...>;
    static_assert(!std::is_reference_v<Result>, "run_blocking() returns a value: the function returns a reference");
    using Call = internal::FunctionCall<Result, std::decay_t<Function>, std::decay_t<Arguments>...>;
    return internal::await_blocking<Result>(
        std::make_shared<Call>(std::forward<Function>(function), std::forward<Arguments>(arguments)...));
}

// The compiler says so in the line of the call.
template <typename Function, typename... Arguments>
requires internal::CapturingTemporary<Function> Task<internal::BlockingResult<Function, Arguments...>> run_blocking(
    Function&& function, Arguments&&... arguments)
__attribute__((unavailable(
    "run_blocking() takes no temporary lambda that captures objects, whose captures g++ 12 would destroy twice: "
    "give it a name in the line before, or pass the objects as arguments")));

}  // namespace c10k
