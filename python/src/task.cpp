#include "task.hpp"

#include "c10k/message.hpp"
#include "engine.hpp"
#include "module.hpp"
#include "waiting.hpp"
#include "websocket.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

namespace c10k::python {
namespace {

TaskObject* running = nullptr;

// ---- One step of the coroutine

// Runs the coroutine inside its context, and as the current task of asyncio.
class Running {
public:
    explicit Running(TaskObject& task) : task_(task) {
        check(PyContext_Enter(task.context));
        try {
            call(enter_task);
        } catch (const ErrorSet&) {
            PyContext_Exit(task.context);
            throw;
        }
        outer_ = std::exchange(running, &task);
    }
    ~Running() {
        running = outer_;
        PyObject* type = nullptr;
        PyObject* value = nullptr;
        PyObject* traceback = nullptr;
        PyErr_Fetch(&type, &value, &traceback);
        try {
            call(leave_task);
        } catch (const ErrorSet&) {
            report_unraisable(leave_task);
        }
        if (PyContext_Exit(task_.context) < 0) {
            report_unraisable(task_.context);
        }
        PyErr_Restore(type, value, traceback);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    void call(PyObject* function) const {
        PyObject* const arguments[] = {task_.engine->loop(), reinterpret_cast<PyObject*>(&task_)};
        owned(PyObject_Vectorcall(function, arguments, 2, nullptr));
    }

    TaskObject& task_;
    TaskObject* outer_ = nullptr;
};

// coroutine.throw(), with the results of PyIter_Send().
PySendResult throw_into(PyObject* coroutine, PyObject* exception, PyObject** result) {
    *result = PyObject_CallMethodOneArg(coroutine, name::throw_, exception);
    if (*result != nullptr) {
        return PYGEN_NEXT;
    }
    if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) {
        return PYGEN_ERROR;
    }
    const Ref<> stop = take_error();
    *result = PyObject_GetAttrString(stop.get(), "value");
    return *result != nullptr ? PYGEN_RETURN : PYGEN_ERROR;
}

// With the message of cancel(), by which AnyIO knows its own.
Ref<> cancellation(TaskObject& task) {
    const Ref<> message{std::exchange(task.cancel_message, nullptr)};
    return owned(message && message.get() != Py_None ? PyObject_CallOneArg(cancelled_error, message.get())
                                                     : PyObject_CallNoArgs(cancelled_error));
}

// The coroutine awaits a future of asyncio.
void wait_for(TaskObject& task, Ref<> future) {
    const Ref<> loop = owned(PyObject_CallMethodNoArgs(future.get(), name::get_loop));
    if (loop.get() != task.engine->loop()) {
        raise(PyExc_RuntimeError, "the view awaits a future that belongs to another event loop");
    }
    check(PyObject_SetAttr(future.get(), name::asyncio_future_blocking, Py_False));
    const Ref<> wakeup = owned(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&task), "_wakeup"));
    PyObject* const arguments[] = {future.get(), wakeup.get(), task.context};
    const Ref<> keywords = owned(PyTuple_Pack(1, name::context));
    owned(PyObject_VectorcallMethod(name::add_done_callback, arguments, 2, keywords.get()));
    task.future = future.release();
    if (task.must_cancel) {
        const Ref<> cancelled = owned(PyObject_CallMethodNoArgs(task.future, name::cancel));
        task.must_cancel = cancelled.get() != Py_True;
    }
}

// Finds out what the coroutine waits for.
Yield understand(TaskObject& task, Ref<> yielded) {
    if (yielded.get() == message_token) {
        return Yield::kMessage;
    }
    if (yielded.get() == room_token) {
        return Yield::kRoom;
    }
    if (yielded.get() == wake_token) {
        return Yield::kWake;
    }
    if (yielded.get() == Py_None) {
        return Yield::kTurn;
    }
    const Ref<> blocking{PyObject_GetAttr(yielded.get(), name::asyncio_future_blocking)};
    if (!blocking) {
        PyErr_Clear();
        PyErr_Format(PyExc_RuntimeError, "a view got a bad yield: %R", yielded.get());
        throw ErrorSet{};
    }
    wait_for(task, std::move(yielded));
    return Yield::kWake;
}

void end(TaskObject& task, Ref<> failure) {
    task.is_done = true;
    task.is_cancelled = failure && PyObject_IsInstance(failure.get(), cancelled_error) == 1;
    task.failure = failure.release();
    Py_CLEAR(task.coroutine);
    if (const Ref<> callbacks{std::exchange(task.callbacks, nullptr)}) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callbacks.get()); ++i) {
            call_soon(task, PyList_GET_ITEM(callbacks.get(), i));
        }
    }
}

// Resumes the coroutine with `value`, or with the exception that is set if there is none.
Yield step(TaskObject& task, Ref<> value) {
    PyObject* result = nullptr;
    PySendResult what = PYGEN_ERROR;
    Ref<> failure = value ? Ref<>{} : take_error();
    try {
        const Running now{task};
        Py_CLEAR(task.future);
        ++task.steps;
        if (task.must_cancel) {
            task.must_cancel = false;
            failure = cancellation(task);
        }
        what = outlive_interpreter([&] {
            return failure ? throw_into(task.coroutine, failure.get(), &result)
                           : PyIter_Send(task.coroutine, value.get(), &result);
        });
        if (what == PYGEN_NEXT) {
            return understand(task, Ref<>{result});
        }
    } catch (const ErrorSet&) {
        if (what == PYGEN_NEXT) {  // the coroutine hears of what it did wrong
            return step(task, Ref<>{});
        }
    }
    if (what == PYGEN_RETURN) {
        task.result = result;
        if (result == Py_None) {
            Py_CLEAR(task.result);
        }
        end(task, Ref<>{});
    } else {
        end(task, take_error());
    }
    return Yield::kEnded;
}

// ---- The coroutine in C++ that drives the one in Python

// The view hears of a stop of its C++ task as a cancellation, once; whatever it awaits afterwards to clean up is not
// stopped. Returns whether the wait goes on, until the future that it waits for has been cancelled.
bool on_stopped(const Engine& engine, TaskObject& task) {
    if (!std::exchange(task.is_stopped, true)) {
        cancel(task, nullptr);
        task.must_cancel = task.must_cancel || engine.is_out_of_patience();  // no loop of asyncio runs the callback
        return !task.must_cancel;
    }
    return false;
}

// Lets the others of this turn go first, also in a task that is stopped.
class NextTurn final : public Awaiter {
public:
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
        suspend(task);
        resume();
    }
    static void await_resume() noexcept {}

private:
    void on_stop() noexcept override {}  // it goes on anyway
};

// The coroutine was asked to end, and either it has ignored that, or nobody would wake it any more.
bool is_overdue(const Engine& engine, const TaskObject& task) noexcept {
    return task.is_stopped && engine.is_out_of_patience();
}

// Ends the coroutine where it waits, and says so.
void abandon(Engine& engine, TaskObject& task) {
    try {
        const Running now{task};
        const Ref<> level = owned(PyLong_FromLong(30));  // as in the module logging
        const Ref<> view = owned(PyObject_GetAttrString(task.coroutine, "__qualname__"));
        const Ref<> line =
            owned(PyUnicode_FromFormat("View %S has not ended although it was cancelled: the server ends "
                                       "without it",
                                       view.get()));
        notify(engine, name::on_log, level.get(), line.get());
        close_unstarted(task.coroutine);
    } catch (const ErrorSet&) {
        report_unraisable(task.coroutine);
    }
    end(task, cancellation(task));
}

using TaskWait = decltype(std::declval<Task<>>().operator co_await());

// The awaiters of drive(), of which it has one at a time.
using Wait = std::variant<std::monostate, TaskWait, WebSocket::RecvAwaiter, WebSocket::SendAwaiter, Wake, NextTurn>;

// Suspends drive() for what `wait` holds; drive() looks at the result afterwards. Each co_await of an awaiter, and each
// variable beside it, would have room of its own in the frame of drive(), and each idle WebSocket has such a frame.
class Suspension {
public:
    explicit Suspension(Wait& wait) noexcept : wait_(wait) {}

    static bool await_ready() noexcept { return false; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> task) {
        return std::visit(
            [task]<typename Held>(Held& held) {
                if constexpr (std::same_as<Held, std::monostate>) {
                    return false;
                } else if constexpr (std::same_as<Held, TaskWait>) {
                    return !held.await_ready() && held.await_suspend(task);
                } else {
                    held.bind(task.promise().scope());
                    if (held.await_ready()) {
                        return false;
                    }
                    held.await_suspend(task);
                    return true;
                }
            },
            wait_);
    }
    static void await_resume() noexcept {}

private:
    Wait& wait_;
};

// The result of a wait that has ended: a message, if it was for one. Throws what the wait throws.
std::optional<Message> result_of(Wait& wait) {
    return std::visit(
        []<typename Held>(Held& held) -> std::optional<Message> {
            if constexpr (std::same_as<Held, WebSocket::RecvAwaiter>) {
                return held.await_resume();
            } else if constexpr (!std::same_as<Held, std::monostate>) {
                held.await_resume();
            }
            return {};
        },
        wait);
}

// Has its timer in a frame of its own, since few views wait for it.
Task<> sleep_for_a_turn() { co_await c10k::yield(); }

// Lets drive() wait for what the coroutine asks for. `part` keeps the task of such a wait.
void begin_wait(TaskObject& task, Yield yield, bool is_woken, Wait& wait, Task<>& part) {
    part = {};
    if (yield == Yield::kMessage) {
        task.wait = &wait.emplace<WebSocket::RecvAwaiter>(task.websocket->socket->recv());
        task.is_receiving = true;
    } else if (yield == Yield::kRoom) {
        task.wait = &wait.emplace<WebSocket::SendAwaiter>(room_of(*task.websocket));
    } else if (yield == Yield::kWake) {
        auto& wake = wait.emplace<Wake>();
        if (task.is_stopped) {
            wake.ignore_stop();
        }
        task.wake = &wake;
        if (is_woken) {
            wake.wake();
        }
    } else if (task.is_stopped) {
        wait.emplace<NextTurn>();
    } else {
        part = sleep_for_a_turn();
        wait.emplace<TaskWait>(std::move(part).operator co_await());
    }
}

// A wait has ended, and `value` becomes what the coroutine goes on with. Returns false if drive() has to wait once
// more, because a stop has begun to cancel what the coroutine waits for.
bool end_wait(Engine& engine, TaskObject& task, Wait& wait, Ref<>& value) {
    task.wait = nullptr;
    task.wake = nullptr;
    std::optional<Message> message;
    bool waits_on = false;
    try {
        message = result_of(wait);
    } catch (const Stopped&) {
        engine.take_gil();
        waits_on = on_stopped(engine, task);
    } catch (const ConnectionClosed&) {  // the coroutine finds that itself
    }
    if (waits_on) {
        auto& wake = wait.emplace<Wake>();
        wake.ignore_stop();
        task.wake = &wake;
        return false;
    }
    wait.emplace<std::monostate>();
    task.is_receiving = false;
    engine.take_gil();
    if (message && task.must_cancel) {  // it came together with the cancellation: the next recv() has it
        foreign_waits(*task.websocket).message = to_python(message);
        message.reset();
    }
    value = to_python(message);
    return true;
}

// Lets the coroutine go on with `value` until it waits for something, for which `wait` and `part` are then ready.
// Returns false if it has ended.
bool go_on(Engine& engine, TaskObject& task, Ref<>& value, Wait& wait, Task<>& part) {
    bool is_in_time = !is_overdue(engine, task) || task.must_cancel;
    while (is_in_time) {
        const Yield yield = std::exchange(task.has_begun, false) ? task.first_yield : step(task, std::move(value));
        engine.end_child();
        const bool is_woken = std::exchange(task.is_woken, false);
        if (yield == Yield::kEnded) {
            return false;
        }
        if (task.must_cancel) {  // it was asked to end while it ran
            value = none();
            continue;
        }
        is_in_time = !is_overdue(engine, task);
        if (is_in_time) {
            begin_wait(task, yield, is_woken, wait, part);
            return true;
        }
    }
    abandon(engine, task);
    return false;
}

// However drive() ends, no object of Python refers to its WebSocket afterwards.
class Detaching {
public:
    Detaching(Engine& engine, TaskObject& task) noexcept : engine_(engine), task_(task) {}
    ~Detaching() {
        if (task_.link != nullptr) {
            Engine::remove(task_);
        }
        if (task_.websocket != nullptr && task_.websocket->socket != nullptr) {
            const GilScope gil{engine_.gil()};
            detach(*task_.websocket, CloseCode::kAbnormal);
        }
    }
    Detaching(const Detaching&) = delete;
    Detaching& operator=(const Detaching&) = delete;

private:
    Engine& engine_;
    TaskObject& task_;
};

// The view has ended, and the tasks of asyncio that wait for its WebSocket hear of that.
Task<> end_foreign_waits(Engine& engine, WebSocketObject* websocket) {
    if (websocket == nullptr || websocket->foreign == nullptr) {
        co_return;
    }
    websocket->foreign->tasks.stop();
    try {
        co_await websocket->foreign->tasks.join();
    } catch (const Stopped&) {  // they have ended all the same
    }
    engine.take_gil();
    websocket->foreign.reset();
}

// Its view has ended, and with it the WebSocket. Throws ViewFailed if the peer is to hear of a failure.
Task<> finish(Engine& engine, TaskObject& task) {
    WebSocketObject* const websocket = task.websocket;
    Ref<> failure = shared(task.failure);
    bool is_failed = task.failure != nullptr && !task.is_cancelled;
    if (websocket != nullptr && is_failed && PyErr_GivenExceptionMatches(task.failure, connection_closed) != 0) {
        is_failed = websocket->socket->is_open();  // else the view has only heard late that its peer is gone
    }
    const bool is_interrupt = is_failed && ends_loop(failure.get());
    if (is_interrupt) {
        engine.interrupt(failure);
    } else if (is_failed) {
        notify(engine, name::on_view_failed, websocket != nullptr ? reinterpret_cast<PyObject*>(websocket) : Py_None,
               failure.get());
    }
    if (websocket != nullptr) {
        if (is_interrupt || (task.is_cancelled && !is_failed)) {
            websocket->socket->close(CloseCode::kGoingAway);
        }
        detach(*websocket, is_failed ? CloseCode::kInternalError : CloseCode::kNormal);
        failure.reset();
        co_await end_foreign_waits(engine, websocket);
    }
    if (is_failed) {
        throw ViewFailed{};
    }
}

// The handshake was refused, or has failed: there is no view to start. Throws `failure`, if there is one.
Task<> give_up(Engine& engine, TaskObject& task, std::exception_ptr failure) {
    if (task.websocket != nullptr) {
        detach(*task.websocket, CloseCode::kAbnormal);
    }
    co_await end_foreign_waits(engine, task.websocket);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

std::exception_ptr failure_of(Wait& wait) {
    try {
        result_of(wait);
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

}  // namespace

Task<> drive(Engine& engine, Kept<WebSocketObject> /*owner*/, TaskObject& task, Task<> part) {
    const Detaching detaching{engine, task};
    Wait wait{std::in_place_type<TaskWait>, std::move(part).operator co_await()};
    co_await Suspension{wait};
    engine.take_gil();
    if (std::exception_ptr failure = failure_of(wait); failure || (task.coroutine == nullptr && !task.has_begun)) {
        part = give_up(engine, task, std::move(failure));
    } else {
        task.engine = &engine;
        engine.add(task);
        Ref<> value = none();
        while (go_on(engine, task, value, wait, part)) {
            do {
                co_await Suspension{wait};
            } while (!end_wait(engine, task, wait, value));
        }
        Engine::remove(task);
        task.engine = nullptr;
        part = finish(engine, task);
    }
    co_await std::move(part);
}

bool begin(Engine& engine, TaskObject& task) {
    task.engine = &engine;
    task.first_yield = step(task, none());
    if (task.is_done && task.failure == nullptr) {
        task.engine = nullptr;
        return true;
    }
    task.has_begun = true;
    return false;
}

TaskObject* running_task() noexcept { return running; }

PyObject* get_loop(const TaskObject& task) noexcept {
    return task.engine != nullptr ? Py_NewRef(task.engine->loop()) : PyObject_CallNoArgs(get_running_loop);
}

void call_soon(TaskObject& task, PyObject* callback) noexcept {
    const Ref<> loop{get_loop(task)};
    PyObject* const arguments[] = {loop.get(), PyTuple_GET_ITEM(callback, 0), reinterpret_cast<PyObject*>(&task),
                                   PyTuple_GET_ITEM(callback, 1)};
    const Ref<> keywords{PyTuple_Pack(1, name::context)};
    const Ref<> handle{loop && keywords ? PyObject_VectorcallMethod(name::call_soon, arguments, 3, keywords.get())
                                        : nullptr};
    if (!handle) {
        report_unraisable(PyTuple_GET_ITEM(callback, 0));
    }
}

void wake(TaskObject& task) noexcept {
    if (task.wake != nullptr) {
        task.wake->wake();
    } else {
        task.is_woken = task.has_begun;
    }
}

bool cancel(TaskObject& task, PyObject* message) {
    if (task.is_done) {
        return false;
    }
    ++task.cancels;
    if (task.future != nullptr) {
        const Ref<> is_cancelled = owned(message != nullptr && message != Py_None
                                             ? PyObject_CallMethodOneArg(task.future, name::cancel, message)
                                             : PyObject_CallMethodNoArgs(task.future, name::cancel));
        if (is_cancelled.get() == Py_True) {
            return true;
        }
    }
    task.must_cancel = true;
    Py_XSETREF(task.cancel_message, Py_XNewRef(message));
    if (task.wait != nullptr) {
        task.wait->interrupt();
    } else {
        wake(task);
    }
    return true;
}

void close_unstarted(PyObject* coroutine) noexcept {
    const Ref<> closed{PyObject_CallMethodNoArgs(coroutine, name::close)};
    if (!closed) {
        report_unraisable(coroutine);
    }
}

Ref<TaskObject> make_task() {
    return Ref<TaskObject>{reinterpret_cast<TaskObject*>(owned(task_type->tp_alloc(task_type, 0)).release())};
}

void require_coroutine(PyObject* coroutine, PyObject* context) {
    if (context != nullptr && context != Py_None && PyContext_CheckExact(context) == 0) {
        raise(PyExc_TypeError, "context must be a contextvars.Context");
    }
    if (PyIter_Check(coroutine) == 0 && PyCoro_CheckExact(coroutine) == 0) {
        PyErr_Format(PyExc_TypeError, "a coroutine is required, not %.100s", Py_TYPE(coroutine)->tp_name);
        throw ErrorSet{};
    }
}

void give_coroutine(TaskObject& task, PyObject* coroutine, PyObject* context) {
    require_coroutine(coroutine, context);
    Ref<> own = context != nullptr && context != Py_None ? shared(context) : owned(PyContext_CopyCurrent());
    task.coroutine = Py_NewRef(coroutine);
    task.context = own.release();
}

}  // namespace c10k::python
