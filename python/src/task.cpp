#include "task.hpp"

#include "c10k/message.hpp"
#include "engine.hpp"
#include "module.hpp"
#include "waiting.hpp"
#include "websocket.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <structmember.h>
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

// Null with an exception set if the task has ended, and no loop runs.
PyObject* get_loop(const TaskObject& task) noexcept {
    return task.engine != nullptr ? Py_NewRef(task.engine->loop()) : PyObject_CallNoArgs(get_running_loop);
}

// `callback` is a pair (function, context).
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
        what = failure ? throw_into(task.coroutine, failure.get(), &result)
                       : PyIter_Send(task.coroutine, value.get(), &result);
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

// What drive() waits with, one at a time. As variables, each of them would have room of its own in the frame, and each
// idle WebSocket has such a frame.
using Wait = std::variant<std::monostate, WebSocket::RecvAwaiter, WebSocket::SendAwaiter, Wake, NextTurn, SleepAwaiter>;

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

}  // namespace

Task<> drive(Engine& engine, std::shared_ptr<void> /*owner*/, TaskObject& task, Task<> begin) {
    const Detaching detaching{engine, task};
    std::exception_ptr failure;
    try {
        co_await std::move(begin);
    } catch (...) {
        failure = std::current_exception();
    }
    begin = {};
    engine.take_gil();
    if (failure || (task.coroutine == nullptr && !task.has_begun)) {
        if (task.websocket != nullptr) {
            detach(*task.websocket, CloseCode::kAbnormal);
        }
        co_await end_foreign_waits(engine, task.websocket);
        if (failure) {
            std::rethrow_exception(failure);
        }
        co_return;
    }
    task.engine = &engine;
    engine.add(task);
    Ref<> value = none();
    Wait wait;
    while (true) {
        const Yield yield = std::exchange(task.has_begun, false) ? task.first_yield : step(task, std::move(value));
        const bool is_woken = std::exchange(task.is_woken, false);
        if (yield == Yield::kEnded) {
            break;
        }
        if (task.must_cancel) {  // it was asked to end while it ran
            value = none();
            continue;
        }
        if (is_overdue(engine, task)) {
            abandon(engine, task);
            break;
        }
        std::optional<Message> message;
        bool waits_on = false;
        try {
            if (yield == Yield::kMessage) {
                auto& next = wait.emplace<WebSocket::RecvAwaiter>(task.websocket->socket->recv());
                task.wait = &next;
                task.is_receiving = true;
                message = co_await next;
            } else if (yield == Yield::kRoom) {
                auto& room = wait.emplace<WebSocket::SendAwaiter>(room_of(*task.websocket));
                task.wait = &room;
                co_await room;
            } else if (yield == Yield::kWake) {
                auto& wake = wait.emplace<Wake>();
                if (task.is_stopped) {
                    wake.ignore_stop();
                }
                task.wake = &wake;
                if (is_woken) {
                    wake.wake();
                }
                co_await wake;
            } else if (task.is_stopped) {
                co_await wait.emplace<NextTurn>();
            } else {
                co_await wait.emplace<SleepAwaiter>(c10k::yield());
            }
        } catch (const Stopped&) {
            engine.take_gil();
            task.wait = nullptr;
            task.wake = nullptr;
            waits_on = on_stopped(engine, task);
        } catch (const ConnectionClosed&) {  // the coroutine finds that itself
        }
        if (waits_on) {
            auto& wake = wait.emplace<Wake>();
            wake.ignore_stop();
            task.wake = &wake;
            co_await wake;
        }
        wait.emplace<std::monostate>();
        task.wait = nullptr;
        task.wake = nullptr;
        task.is_receiving = false;
        engine.take_gil();
        if (is_overdue(engine, task) && !task.must_cancel) {
            abandon(engine, task);
            break;
        }
        if (message && task.must_cancel) {  // it came together with the cancellation: the next recv() has it
            foreign_waits(*task.websocket).message = to_python(message);
            message.reset();
        }
        value = to_python(message);
    }
    Engine::remove(task);
    task.engine = nullptr;
    co_await finish(engine, task);
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

void give_coroutine(TaskObject& task, PyObject* coroutine, PyObject* context) {
    Ref<> own = context != nullptr && context != Py_None ? shared(context) : owned(PyContext_CopyCurrent());
    if (PyContext_CheckExact(own.get()) == 0) {
        raise(PyExc_TypeError, "context must be a contextvars.Context");
    }
    if (PyIter_Check(coroutine) == 0 && PyCoro_CheckExact(coroutine) == 0) {
        PyErr_Format(PyExc_TypeError, "a coroutine is required, not %.100s", Py_TYPE(coroutine)->tp_name);
        throw ErrorSet{};
    }
    task.coroutine = Py_NewRef(coroutine);
    task.context = own.release();
}

// ---- The type

namespace {

TaskObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<TaskObject*>(self); }

int traverse(PyObject* self, visitproc visit, void* arg) {
    const TaskObject& task = self_of(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(task.attributes);
    Py_VISIT(task.coroutine);
    Py_VISIT(task.context);
    Py_VISIT(task.future);
    Py_VISIT(task.callbacks);
    Py_VISIT(task.cancel_message);
    Py_VISIT(task.failure);
    Py_VISIT(task.result);
    return 0;
}

int clear(PyObject* self) {
    TaskObject& task = self_of(self);
    Py_CLEAR(task.attributes);
    Py_CLEAR(task.coroutine);
    Py_CLEAR(task.context);
    Py_CLEAR(task.future);
    Py_CLEAR(task.callbacks);
    Py_CLEAR(task.cancel_message);
    Py_CLEAR(task.failure);
    Py_CLEAR(task.result);
    Py_CLEAR(task.name);
    return 0;
}

void deallocate(PyObject* self) {
    PyObject_GC_UnTrack(self);
    PyObject_ClearWeakRefs(self);
    clear(self);
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* task_cancel(PyObject* self, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"msg", nullptr};
    PyObject* message = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|O:cancel", const_cast<char**>(names), &message) == 0) {
        return nullptr;
    }
    return returns([&] {
        TaskObject& task = self_of(self);
        if (task.engine != nullptr && !task.engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "cancel() belongs to the thread of the event loop: loop.call_soon_threadsafe()");
        }
        return cancel(task, message);
    });
}

PyObject* task_uncancel(PyObject* self, PyObject* /*unused*/) {
    TaskObject& task = self_of(self);
    if (task.cancels > 0) {
        --task.cancels;
    }
    return PyLong_FromUnsignedLong(task.cancels);
}

PyObject* task_cancelling(PyObject* self, PyObject* /*unused*/) {
    return PyLong_FromUnsignedLong(self_of(self).cancels);
}

PyObject* task_done(PyObject* self, PyObject* /*unused*/) { return PyBool_FromLong(self_of(self).is_done ? 1 : 0); }

PyObject* task_cancelled(PyObject* self, PyObject* /*unused*/) {
    return PyBool_FromLong(self_of(self).is_cancelled ? 1 : 0);
}

PyObject* or_none(PyObject* object) { return Py_NewRef(object != nullptr ? object : Py_None); }

PyObject* task_add_done_callback(PyObject* self, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"callback", "context", nullptr};
    PyObject* callback = nullptr;
    PyObject* context = Py_None;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O|$O:add_done_callback", const_cast<char**>(names), &callback,
                                    &context) == 0) {
        return nullptr;
    }
    return returns([&] {
        TaskObject& task = self_of(self);
        const Ref<> own = context == Py_None ? owned(PyContext_CopyCurrent()) : shared(context);
        const Ref<> pair = owned(PyTuple_Pack(2, callback, own.get()));
        if (task.is_done) {
            call_soon(task, pair.get());
            return;
        }
        if (task.callbacks == nullptr) {
            task.callbacks = owned(PyList_New(0)).release();
        }
        check(PyList_Append(task.callbacks, pair.get()));
    });
}

PyObject* task_remove_done_callback(PyObject* self, PyObject* callback) {
    return returns([&] {
        PyObject* const callbacks = self_of(self).callbacks;
        long removed = 0;
        for (Py_ssize_t i = callbacks != nullptr ? PyList_GET_SIZE(callbacks) : 0; i-- > 0;) {
            const Ref<> each = shared(PyTuple_GET_ITEM(PyList_GET_ITEM(callbacks, i), 0));
            const int is_it = PyObject_RichCompareBool(each.get(), callback, Py_EQ);
            check(is_it);
            if (is_it != 0 && i < PyList_GET_SIZE(callbacks)) {
                check(PyList_SetSlice(callbacks, i, i + 1, nullptr));
                ++removed;
            }
        }
        return owned(PyLong_FromLong(removed));
    });
}

[[noreturn]] void raise_again(PyObject* failure) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure)), failure);
    throw ErrorSet{};
}

void require_done(const TaskObject& task) {
    if (!task.is_done) {
        raise(invalid_state_error, "the task has not ended");
    }
}

Ref<> result_of(const TaskObject& task) {
    require_done(task);
    if (task.failure != nullptr) {
        raise_again(task.failure);
    }
    return task.result != nullptr ? shared(task.result) : none();
}

PyObject* task_result(PyObject* self, PyObject* /*unused*/) {
    return returns([&] { return result_of(self_of(self)); });
}

PyObject* task_exception(PyObject* self, PyObject* /*unused*/) {
    return returns([&] {
        const TaskObject& task = self_of(self);
        require_done(task);
        if (task.is_cancelled) {
            raise_again(task.failure);
        }
        return task.failure != nullptr ? shared(task.failure) : none();
    });
}

// Another coroutine awaits the task, as a future of asyncio.
Poll poll_end(Awaitable& awaitable) {
    TaskObject& task = self_of(awaitable.owner);
    if (task.is_done) {
        return {Poll::State::kReady, result_of(task)};
    }
    if (&task == running_task()) {
        raise(PyExc_RuntimeError, "a task cannot await itself");
    }
    task.is_awaited = true;
    return {Poll::State::kFuture, shared(awaitable.owner)};
}

PyObject* task_await(PyObject* self) {
    return returns([&] { return make_awaitable(self, &poll_end); });
}

PyObject* task_get_coro(PyObject* self, PyObject* /*unused*/) { return or_none(self_of(self).coroutine); }
PyObject* task_get_context(PyObject* self, PyObject* /*unused*/) { return or_none(self_of(self).context); }

PyObject* task_get_loop(PyObject* self, PyObject* /*unused*/) { return get_loop(self_of(self)); }

PyObject* task_get_name(PyObject* self, PyObject* /*unused*/) {
    const TaskObject& task = self_of(self);
    if (task.name != nullptr) {
        return Py_NewRef(task.name);
    }
    return PyUnicode_FromFormat("c10k-%p", self);
}

PyObject* task_set_name(PyObject* self, PyObject* value) {
    return returns([&] {
        PyObject* text = owned(PyObject_Str(value)).release();
        Py_XSETREF(self_of(self).name, text);
    });
}

// Called by the future that the coroutine waits for.
PyObject* task_wakeup(PyObject* self, PyObject* /*future*/) {
    wake(self_of(self));
    Py_RETURN_NONE;
}

PyObject* get_future(PyObject* self, void* /*unused*/) { return or_none(self_of(self).future); }
PyObject* get_must_cancel(PyObject* self, void* /*unused*/) {
    return PyBool_FromLong(self_of(self).must_cancel ? 1 : 0);
}

PyObject* represent(PyObject* self) {
    const TaskObject& task = self_of(self);
    return PyUnicode_FromFormat("<c10k.Task %s coro=%R>", task.is_done ? "finished" : "pending",
                                task.coroutine != nullptr ? task.coroutine : Py_None);
}

PyMethodDef methods[] = {
    {"cancel", method(task_cancel), METH_VARARGS | METH_KEYWORDS,
     "cancel($self, msg=None)\n--\n\nAs asyncio.Task.cancel()."},
    {"uncancel", task_uncancel, METH_NOARGS, "uncancel($self)\n--\n\nAs asyncio.Task.uncancel()."},
    {"cancelling", task_cancelling, METH_NOARGS, "cancelling($self)\n--\n\nAs asyncio.Task.cancelling()."},
    {"done", task_done, METH_NOARGS, "done($self)\n--\n\nWhether the coroutine has ended."},
    {"cancelled", task_cancelled, METH_NOARGS, "cancelled($self)\n--\n\nWhether it ended because it was cancelled."},
    {"add_done_callback", method(task_add_done_callback), METH_VARARGS | METH_KEYWORDS,
     "add_done_callback($self, callback, *, context=None)\n--\n\n"
     "Calls a function with the task soon after it has ended, as asyncio.Task.add_done_callback()."},
    {"remove_done_callback", task_remove_done_callback, METH_O,
     "remove_done_callback($self, callback, /)\n--\n\nAs asyncio.Task.remove_done_callback()."},
    {"result", task_result, METH_NOARGS,
     "result($self)\n--\n\n"
     "What the coroutine has returned. Raises its exception, or asyncio.InvalidStateError if it has not ended."},
    {"exception", task_exception, METH_NOARGS,
     "exception($self)\n--\n\n"
     "The exception that it ended with, or None. Raises asyncio.InvalidStateError if it has not ended."},
    {"get_coro", task_get_coro, METH_NOARGS, "get_coro($self)\n--\n\nThe coroutine, or None when it has ended."},
    {"get_context", task_get_context, METH_NOARGS,
     "get_context($self)\n--\n\nThe contextvars.Context that the coroutine runs in."},
    {"get_loop", task_get_loop, METH_NOARGS, "get_loop($self)\n--\n\nThe event loop."},
    {"get_name", task_get_name, METH_NOARGS, "get_name($self)\n--\n\nThe name of the task."},
    {"set_name", task_set_name, METH_O, "set_name($self, value, /)\n--\n\nNames the task."},
    {"_wakeup", task_wakeup, METH_O,
     "_wakeup($self, future, /)\n--\n\nCalled by the future that the coroutine waits for."},
    {nullptr, nullptr, 0, nullptr},
};

PyObject* get_awaited(PyObject* self, void* /*unused*/) { return PyBool_FromLong(self_of(self).is_awaited ? 1 : 0); }
int set_awaited(PyObject* self, PyObject* value, void* /*unused*/) {
    self_of(self).is_awaited = value == Py_True;
    return 0;
}

PyGetSetDef attributes[] = {
    {"_asyncio_future_blocking", get_awaited, set_awaited, "The protocol of asyncio's futures.", nullptr},
    // AnyIO looks at these two of a task of asyncio.
    {"_fut_waiter", get_future, nullptr, "The future that the coroutine waits for, or None.", nullptr},
    {"_must_cancel", get_must_cancel, nullptr, "Whether the next step raises CancelledError.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TaskObject, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TaskObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A coroutine that the engine drives, as asyncio.current_task() returns it.")},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_repr, slot(represent)},
    {Py_am_await, slot(task_await)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Task", sizeof(TaskObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

bool add_task_type(PyObject* module) {
    task_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return task_type != nullptr && PyModule_AddType(module, task_type) == 0;
}

}  // namespace c10k::python
