#pragma once

#include "python.hpp"
#include "task.hpp"

#include <cstdint>
#include <utility>

namespace c10k::python {

class Engine;

// Something that a coroutine of Python awaits in the engine. It is asked for its result; if there is none yet, it is
// asked again when its coroutine goes on.
//
// A coroutine that drive() runs is suspended by yielding a token that tells drive() what to wait for; a task of asyncio
// by a future.
struct Awaitable;

struct Poll {
    enum class State : std::uint8_t {
        kReady,    // `value` is the result
        kMessage,  // drive() is to wait for a message, which is the result
        kRoom,     // drive() is to wait until the peer has taken bytes
        kWake,     // a Waiter is kept; `value` is its future, if it has one
        kFuture,   // `value` is a future of asyncio, to be yielded as such
    };

    State state = State::kReady;
    Ref<> value = {};
};

struct Awaitable {
    PyObject_HEAD PyObject* owner;  // is asked, and kept alive
    PyObject* delegate;             // the iterator of the future, or null
    Poll (*poll)(Awaitable& self);
    bool expects_message;  // drive() will send it
    bool ends_iteration;   // of `async for`, when the result is None
};

Ref<> make_awaitable(PyObject* owner, Poll (*poll)(Awaitable& self), bool ends_iteration = false);

// An awaitable whose result, None, is there.
Ref<> ready();

// A waiter, to be woken: a task that drive() runs, or a future that a task of asyncio awaits. Requires the GIL.
class Waiter {
public:
    Waiter() noexcept = default;
    // The task whose coroutine runs, or else a new future of the engine's loop.
    explicit Waiter(Engine& engine);

    // Lets it look again, and becomes empty. Does nothing if it is empty.
    void wake() noexcept;
    // The result that poll() returns.
    [[nodiscard]] Poll poll() const { return {Poll::State::kWake, future_}; }
    // Nobody waits any more: it was cancelled.
    [[nodiscard]] bool is_abandoned() const noexcept;
    explicit operator bool() const noexcept { return task_ || future_; }

private:
    Ref<TaskObject> task_;
    Ref<> future_;
    std::uint64_t step_ = 0;  // of the task, when it began to wait
};

// The tokens that an Awaitable yields to drive().
extern PyObject* message_token;
extern PyObject* room_token;
extern PyObject* wake_token;

bool add_awaitable_type(PyObject* module);

}  // namespace c10k::python
