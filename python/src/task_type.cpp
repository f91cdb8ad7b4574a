#include "engine.hpp"
#include "module.hpp"
#include "task.hpp"
#include "waiting.hpp"

#include <cstddef>
#include <structmember.h>
#include <utility>

// The type Task: what Python sees of a task.
namespace c10k::python {
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
