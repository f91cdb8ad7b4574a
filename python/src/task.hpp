#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/task.hpp"
#include "gil.hpp"
#include "python.hpp"

#include <coroutine>
#include <cstdint>

namespace c10k::python {

class Engine;
struct WebSocketObject;

// Suspends a C++ coroutine until somebody calls wake().
class Wake final : public Awaiter {
public:
    [[nodiscard]] bool await_ready() const noexcept { return woken_ || (stops_ && stop_requested()); }
    void await_suspend(std::coroutine_handle<> task) noexcept { suspend(task); }
    void await_resume() const {
        if (stops_) {
            throw_if_stopped();
        }
    }
    void wake() noexcept {
        woken_ = true;
        resume();
    }
    // A stop of the C++ task does not end the wait.
    void ignore_stop() noexcept { stops_ = false; }

private:
    void on_stop() noexcept override {
        if (stops_) {
            resume();
        }
    }

    bool woken_ = false;
    bool stops_ = true;
};

// Why a coroutine has suspended.
enum class Yield : std::uint8_t {
    kEnded,
    kMessage,  // waits for a message of its own WebSocket
    kRoom,     // waits until its peer has taken bytes
    kWake,     // waits until wake()
    kTurn,     // lets others go first
};

// A Python coroutine that the engine drives, and what asyncio.current_task() returns inside it: as much of
// asyncio.Task as timeouts, task groups and AnyIO need. The coroutine goes on directly out of a turn of the loop,
// without a callback of asyncio.
struct TaskObject {
    PyObject_HEAD PyObject* weak_references;
    PyObject* attributes;        // what others keep on it, as asgiref does; or null
    PyObject* coroutine;         // null once it has ended
    PyObject* context;           // it runs inside
    PyObject* future;            // it waits for, or null
    PyObject* name;              // or null
    PyObject* cancel_message;    // of cancel(), or null
    PyObject* callbacks;         // a list of pairs (function, context), or null
    PyObject* failure;           // the exception that it ended with, or null
    PyObject* result;            // that it returned; null instead of None
    Engine* engine;              // null before the start and after the end
    WebSocketObject* websocket;  // whose view it is, or null; borrowed: the WebSocket owns the task
    Wake* wake;                  // of the suspended drive(), or null
    Awaiter* wait;               // the same when it waits for the connection
    TaskObject* next;            // in the engine's list
    TaskObject** link;
    std::uint64_t steps;    // that the coroutine has made: tells an old wait from a new one
    std::uint32_t cancels;  // requests that nobody has taken back
    Yield first_yield;      // of begin()
    bool has_begun;         // begin() has made the first step, and drive() none
    bool is_woken;          // meanwhile
    bool is_receiving;      // waits for a message
    bool must_cancel;       // the next step throws CancelledError
    bool ends_by_itself;    // a stop of the server does not cancel it: it sees that its peer goes
    bool is_awaited;        // the flag of asyncio's futures: whoever got it from `await` is about to wait for it
    bool is_stopped;        // was asked to end together with its connection, or with the server
    bool is_done;
    bool is_cancelled;
};

// Makes one, without a coroutine.
Ref<TaskObject> make_task();
// Throws ErrorSet (TypeError) unless drive() can run `coroutine` inside of `context`, which may be null.
void require_coroutine(PyObject* coroutine, PyObject* context);
// Gives it one. `context` may be null: the coroutine gets a copy of the current one. Throws ErrorSet (TypeError).
void give_coroutine(TaskObject& task, PyObject* coroutine, PyObject* context);

// Makes the first step at once, in a task that is no WebSocket's: many coroutines need but one. Returns whether it has
// ended well with that; otherwise drive() has to go on. Requires: no task of asyncio runs.
[[nodiscard]] bool begin(Engine& engine, TaskObject& task);

// Drives the coroutine of `task` to its end, after `part`, which gives it one or does not. `owner` keeps the task; null
// leaves that to the caller.
Task<> drive(Engine& engine, Kept<WebSocketObject> owner, TaskObject& task, Task<> part);

// The task whose coroutine runs at this moment, out of drive(). Null in tasks of asyncio.
[[nodiscard]] TaskObject* running_task() noexcept;

// The event loop. Null with an exception set if the task has ended, and no loop runs.
PyObject* get_loop(const TaskObject& task) noexcept;
// Has the loop call `callback`, a pair (function, context), with the task.
void call_soon(TaskObject& task, PyObject* callback) noexcept;

// It waits for something that is neither the connection nor a future of asyncio, and goes on. Requires the GIL.
void wake(TaskObject& task) noexcept;

// Asks it to end, as asyncio.Task.cancel() does. Returns false if it has ended. `message` may be null.
bool cancel(TaskObject& task, PyObject* message);

// Closes a coroutine that was never started, so that the interpreter does not warn of it.
void close_unstarted(PyObject* coroutine) noexcept;

bool add_task_type(PyObject* module);

}  // namespace c10k::python
