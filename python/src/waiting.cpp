#include "waiting.hpp"

#include "engine.hpp"
#include "module.hpp"

#include <utility>

namespace c10k::python {

PyObject* message_token = nullptr;
PyObject* room_token = nullptr;
PyObject* wake_token = nullptr;

// ---- Waiter

Waiter::Waiter(Engine& engine) {
    if (TaskObject* task = running_task()) {
        task_ = shared(task);
        step_ = task->steps;
    } else {
        future_ = owned(PyObject_CallMethodNoArgs(engine.loop(), name::create_future));
    }
}

void Waiter::wake() noexcept {
    if (const Ref<TaskObject> task = std::exchange(task_, {})) {
        if (task->steps == step_) {
            python::wake(*task);
        }
    }
    if (const Ref<> future = std::exchange(future_, {})) {
        const Ref<> done{PyObject_CallMethodNoArgs(future.get(), name::done)};
        if (done && done.get() != Py_True) {
            const Ref<> set{PyObject_CallMethodOneArg(future.get(), name::set_result, Py_None)};
        }
        if (PyErr_Occurred() != nullptr) {
            report_unraisable(future.get());
        }
    }
}

bool Waiter::is_abandoned() const noexcept {
    if (task_) {
        return task_->steps != step_;
    }
    if (!future_) {
        return true;
    }
    const Ref<> done{PyObject_CallMethodNoArgs(future_.get(), name::done)};
    if (!done) {
        report_unraisable(future_.get());
    }
    return done.get() == Py_True;
}

// ---- Awaitable

namespace {

PyTypeObject* awaitable_type = nullptr;
PyObject* ready_awaitable = nullptr;

Awaitable& self_of(PyObject* self) noexcept { return *reinterpret_cast<Awaitable*>(self); }

Poll poll_nothing(Awaitable& /*self*/) { return {Poll::State::kReady, none()}; }

PySendResult finish(Awaitable& self, Ref<> value, PyObject** result) {
    if (self.ends_iteration && value.get() == Py_None) {
        PyErr_SetNone(PyExc_StopAsyncIteration);
        throw ErrorSet{};
    }
    *result = value.release();
    return PYGEN_RETURN;
}

PySendResult resume(Awaitable& self, PyObject* value, PyObject** result) {
    if (std::exchange(self.expects_message, false)) {
        return finish(self, shared(value), result);
    }
    while (true) {
        if (self.delegate != nullptr) {
            const PySendResult sent = PyIter_Send(self.delegate, value, result);
            if (sent == PYGEN_NEXT) {
                return sent;
            }
            Py_CLEAR(self.delegate);
            if (sent == PYGEN_ERROR) {
                throw ErrorSet{};
            }
            Py_CLEAR(*result);
        }
        Poll polled = self.poll(self);
        switch (polled.state) {
            case Poll::State::kReady: return finish(self, std::move(polled.value), result);
            case Poll::State::kMessage:
                self.expects_message = true;
                *result = Py_NewRef(message_token);
                return PYGEN_NEXT;
            case Poll::State::kRoom: *result = Py_NewRef(room_token); return PYGEN_NEXT;
            case Poll::State::kFuture: *result = polled.value.release(); return PYGEN_NEXT;
            case Poll::State::kWake:
                if (!polled.value) {
                    *result = Py_NewRef(wake_token);
                    return PYGEN_NEXT;
                }
                self.delegate = owned(PyObject_GetIter(polled.value.get())).release();
                value = Py_None;
        }
    }
}

PySendResult send(PyObject* self, PyObject* value, PyObject** result) {
    try {
        return resume(self_of(self), value, result);
    } catch (...) {
        set_error();
        *result = nullptr;
        return PYGEN_ERROR;
    }
}

// For a coroutine that is traced, or driven by hand: the result comes as StopIteration.
PyObject* send_value(PyObject* self, PyObject* value) {
    PyObject* result = nullptr;
    const PySendResult sent = send(self, value, &result);
    if (sent == PYGEN_RETURN) {
        PyObject* stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        Py_DECREF(result);
        if (stop != nullptr) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return nullptr;
    }
    return result;
}

PyObject* next(PyObject* self) { return send_value(self, Py_None); }

// Nothing is asked again: what waits for it is abandoned.
PyObject* close(PyObject* self, PyObject* /*unused*/) {
    Py_CLEAR(self_of(self).delegate);
    self_of(self).expects_message = false;
    Py_RETURN_NONE;
}

// Its coroutine, or a task of asyncio, is cancelled while it waits.
PyObject* throw_here(PyObject* self, PyObject* args) {
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* traceback = nullptr;
    if (PyArg_ParseTuple(args, "O|OO:throw", &type, &value, &traceback) == 0) {
        return nullptr;
    }
    Py_DECREF(close(self, nullptr));
    if (PyExceptionInstance_Check(type) != 0) {
        PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(type)), type);
    } else {
        PyErr_Restore(Py_NewRef(type), Py_XNewRef(value), Py_XNewRef(traceback));
    }
    return nullptr;
}

PyObject* itself(PyObject* self) { return Py_NewRef(self); }

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self).owner);
    Py_VISIT(self_of(self).delegate);
    return 0;
}

void deallocate(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self_of(self).owner);
    Py_CLEAR(self_of(self).delegate);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

// With these it counts as a coroutine, which asyncio.create_task() wants.
PyMethodDef methods[] = {
    {"send", send_value, METH_O, "send($self, value, /)\n--\n\nAs of a coroutine."},
    {"throw", throw_here, METH_VARARGS, "throw($self, *exception)\n--\n\nAs of a coroutine."},
    {"close", close, METH_NOARGS, "close($self)\n--\n\nAs of a coroutine."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("Await it: it has begun already, and need not be awaited if its result does not matter.")},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_iter, slot(itself)},
    {Py_tp_iternext, slot(next)},
    {Py_tp_methods, methods},
    {Py_am_await, slot(itself)},
    {Py_am_send, slot(send)},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Awaitable", sizeof(Awaitable), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

Ref<> make_awaitable(PyObject* owner, Poll (*poll)(Awaitable& self), bool ends_iteration) {
    Awaitable* made = PyObject_GC_New(Awaitable, awaitable_type);
    if (made == nullptr) {
        throw ErrorSet{};
    }
    made->owner = Py_XNewRef(owner);
    made->delegate = nullptr;
    made->poll = poll;
    made->expects_message = false;
    made->ends_iteration = ends_iteration;
    PyObject_GC_Track(made);
    return Ref<>{reinterpret_cast<PyObject*>(made)};
}

Ref<> ready() { return shared(ready_awaitable); }

bool add_awaitable_type(PyObject* module) {
    awaitable_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (awaitable_type == nullptr || PyModule_AddType(module, awaitable_type) < 0) {
        return false;
    }
    try {
        ready_awaitable = make_awaitable(nullptr, &poll_nothing).release();
        message_token = make_awaitable(nullptr, &poll_nothing).release();
        room_token = make_awaitable(nullptr, &poll_nothing).release();
        wake_token = make_awaitable(nullptr, &poll_nothing).release();
    } catch (const ErrorSet&) {
        return false;
    }
    return true;
}

}  // namespace c10k::python
