#include "handshake.hpp"

#include "engine.hpp"
#include "module.hpp"
#include "task.hpp"
#include "waiting.hpp"

#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <structmember.h>
#include <utility>

namespace c10k::python {

// The answer of the application.
struct Answer {
    std::optional<Response> refusal;  // else a coroutine runs
    bool accepts = false;             // before it runs; else the coroutine itself answers
    AcceptOptions options;
    Ref<> coroutine;
    Ref<> context;
};

namespace {

HandshakeObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<HandshakeObject*>(self); }

Ref<HandshakeObject> make_handshake(Engine& engine, WebSocketObject& websocket) {
    const WebSocket& socket = *websocket.socket;
    auto* made = reinterpret_cast<HandshakeObject*>(owned(handshake_type->tp_alloc(handshake_type, 0)).release());
    Ref<HandshakeObject> handshake{made};
    new (&made->answer) std::unique_ptr<Answer>;
    fill_head(made->head, engine, socket.request());
    made->subprotocols = owned(PyList_New(0)).release();
    for (const std::string& offered : socket.offered_subprotocols()) {
        check(PyList_Append(made->subprotocols, to_text(offered).get()));
    }
    made->websocket = shared(&websocket).release();
    return handshake;
}

// ---- On the loop

// A thread may answer until this has the GIL, and afterwards.
Task<> wait_for_answer(Engine& engine, HandshakeObject& handshake) {
    engine.take_gil();
    if (handshake.is_answered) {
        co_return;
    }
    Wake wake;
    handshake.wake = &wake;
    try {
        co_await wake;
    } catch (const Stopped&) {  // without an answer, if there is none
    }
    handshake.wake = nullptr;
}

void carry_out(Engine& engine, WebSocketObject& websocket, Answer& answer) {
    if (answer.refusal) {
        websocket.socket->refuse(*answer.refusal);
        return;
    }
    if (answer.accepts) {
        websocket.socket->accept(answer.options);
        websocket.is_accepted = true;
        notify(engine, name::on_opened, &websocket);
    }
    websocket.task->ends_by_itself = !answer.accepts;
    give_coroutine(*websocket.task, answer.coroutine.get(), answer.context.get());
}

}  // namespace

Task<> open(Engine& engine, WebSocketObject& websocket) {
    engine.take_gil();
    const Kept<HandshakeObject> handshake = kept(engine, make_handshake(engine, websocket));
    if (!notify(engine, name::on_handshake, handshake.get()) && !handshake->is_answered) {
        handshake->is_answered = true;
        handshake->answer = std::make_unique<Answer>();
        handshake->answer->refusal = Response::text("Internal Server Error\n", 500);
    }
    try {
        co_await while_open(*websocket.socket, wait_for_answer(engine, *handshake));
    } catch (const Stopped&) {  // the answer may have come at the last moment, and then its coroutine has to end
    }
    engine.take_gil();
    handshake->head.is_gone = true;
    const std::unique_ptr<Answer> answer = std::move(handshake->answer);
    if (answer == nullptr) {
        co_return;
    }
    try {
        carry_out(engine, websocket, *answer);
    } catch (...) {
        set_error();
        const Ref<> failure = take_error();
        if (answer->coroutine) {
            close_unstarted(answer->coroutine.get());
        }
        notify(engine, name::on_view_failed, &websocket, failure.get());
        throw ViewFailed{};
    }
}

// ---- From Python

namespace {

void wake_on_loop(HandshakeObject& self) {
    Engine& engine = *self.head.engine;
    if (engine.is_on_thread()) {
        if (self.wake != nullptr) {
            self.wake->wake();
        }
        return;
    }
    if (!engine.is_running()) {
        return;
    }
    HandshakeObject* kept = shared(&self).release();
    const bool is_posted = engine.server().post([kept, &engine] {
        engine.take_gil();
        const Ref<HandshakeObject> handshake{kept};
        if (kept->wake != nullptr) {
            kept->wake->wake();
        }
    });
    if (!is_posted) {
        Py_DECREF(reinterpret_cast<PyObject*>(kept));
    }
}

// Returns whether somebody is there to be answered.
bool answer(HandshakeObject& self, std::unique_ptr<Answer> answer) {
    self.head.engine->require_own_process();
    if (self.is_answered) {
        raise(PyExc_RuntimeError, "the handshake has been answered already");
    }
    self.is_answered = true;
    if (self.head.is_gone) {
        if (answer->coroutine) {
            close_unstarted(answer->coroutine.get());
        }
        return false;
    }
    self.answer = std::move(answer);
    wake_on_loop(self);
    return true;
}

SlowMember to_slow_member(std::string_view text) {
    if (text == "close") {
        return SlowMember::kClose;
    }
    if (text == "drop_oldest") {
        return SlowMember::kDropOldest;
    }
    if (text == "drop_newest") {
        return SlowMember::kDropNewest;
    }
    raise(PyExc_ValueError, "slow_member is 'close', 'drop_oldest' or 'drop_newest'");
}

// The subprotocol that the view wants has to be one that the client offers.
std::string offered_subprotocol(const HandshakeObject& self, PyObject* subprotocol) {
    if (subprotocol == nullptr || subprotocol == Py_None) {
        return {};
    }
    const int is_offered = PySequence_Contains(self.subprotocols, subprotocol);
    check(is_offered);
    if (is_offered == 0) {
        PyErr_Format(PyExc_ValueError, "the client does not offer the subprotocol %R, but %R", subprotocol,
                     self.subprotocols);
        throw ErrorSet{};
    }
    return std::string{utf8_of(subprotocol)};
}

AcceptOptions accept_options(const HandshakeObject& self, PyObject* subprotocol, PyObject* headers,
                             const char* slow_member) {
    AcceptOptions options;
    options.subprotocol = offered_subprotocol(self, subprotocol);
    options.headers = to_headers(headers);
    options.slow_member = to_slow_member(slow_member);
    return options;
}

PyObject* accept(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"coroutine", "context", "subprotocol", "headers", "slow_member", nullptr};
    PyObject* coroutine = nullptr;
    PyObject* context = nullptr;
    PyObject* subprotocol = nullptr;
    PyObject* headers = nullptr;
    const char* slow_member = "close";
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O|$OOOs:accept", const_cast<char**>(names), &coroutine, &context,
                                    &subprotocol, &headers, &slow_member) == 0) {
        return nullptr;
    }
    return returns([&] {
        HandshakeObject& self = self_of(object);
        require_coroutine(coroutine, context);
        auto given = std::make_unique<Answer>();
        given->accepts = true;
        given->options = accept_options(self, subprotocol, headers, slow_member);
        given->coroutine = shared(coroutine);
        given->context = shared(context);
        return answer(self, std::move(given));
    });
}

PyObject* run(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"coroutine", "context", nullptr};
    PyObject* coroutine = nullptr;
    PyObject* context = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O|$O:run", const_cast<char**>(names), &coroutine, &context) == 0) {
        return nullptr;
    }
    return returns([&] {
        require_coroutine(coroutine, context);
        auto given = std::make_unique<Answer>();
        given->coroutine = shared(coroutine);
        given->context = shared(context);
        return answer(self_of(object), std::move(given));
    });
}

// A coroutine that run() was given answers the handshake.
bool is_run(const HandshakeObject& self) noexcept {
    return self.websocket->task != nullptr && self.websocket->task->coroutine != nullptr;
}

void require_unanswered(const HandshakeObject& self) {
    const WebSocketObject& websocket = *self.websocket;
    websocket.engine->require_own_process();
    if (!websocket.engine->is_on_thread() || !is_run(self)) {
        raise(PyExc_RuntimeError, "only the coroutine that run() was given may do that");
    }
    if (websocket.is_accepted || websocket.socket == nullptr) {
        raise(PyExc_RuntimeError, "the handshake has been answered already");
    }
}

PyObject* accept_now(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"subprotocol", "headers", "slow_member", nullptr};
    PyObject* subprotocol = nullptr;
    PyObject* headers = nullptr;
    const char* slow_member = "close";
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|$OOs:accept_now", const_cast<char**>(names), &subprotocol,
                                    &headers, &slow_member) == 0) {
        return nullptr;
    }
    return returns([&] {
        HandshakeObject& self = self_of(object);
        require_unanswered(self);
        self.websocket->socket->accept(accept_options(self, subprotocol, headers, slow_member));
        self.websocket->is_accepted = true;
        notify(*self.head.engine, name::on_opened, self.websocket);
    });
}

PyObject* refuse(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"status", "headers", "body", nullptr};
    int status = 0;
    PyObject* headers = nullptr;
    const char* body = "";
    Py_ssize_t size = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "i|Oy#:refuse", const_cast<char**>(names), &status, &headers, &body,
                                    &size) == 0) {
        return nullptr;
    }
    return returns([&] {
        HandshakeObject& self = self_of(object);
        Response response = to_response(status, headers, {body, static_cast<std::size_t>(size)});
        if (is_run(self)) {
            require_unanswered(self);
            self.websocket->socket->refuse(response);
            self.websocket->is_accepted = true;  // nothing follows
            return true;
        }
        auto given = std::make_unique<Answer>();
        given->refusal = std::move(response);
        return answer(self, std::move(given));
    });
}

Poll poll_gone(Awaitable& awaitable) { return poll_closed(*self_of(awaitable.owner).websocket); }

PyObject* closed(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        if (!self_of(object).websocket->engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "closed() belongs to the thread of the event loop");
        }
        return make_awaitable(object, &poll_gone);
    });
}

PyObject* get_websocket(PyObject* object, void* /*unused*/) {
    return Py_NewRef(reinterpret_cast<PyObject*>(self_of(object).websocket));
}

// ---- The type

void deallocate(PyObject* object) {
    HandshakeObject& self = self_of(object);
    PyObject_ClearWeakRefs(object);
    self.answer.~unique_ptr();
    Py_CLEAR(self.websocket);
    Py_CLEAR(self.subprotocols);
    clear_head(self.head);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"accept", method(accept), METH_VARARGS | METH_KEYWORDS,
     "accept($self, coroutine, *, context=None, subprotocol=None, headers=(), slow_member='close')\n--\n\n"
     "Answers with 101 and drives `coroutine`, the view, on the event loop. The WebSocket closes when it returns.\n\n"
     "Returns False if the peer has gone; the coroutine is closed then, and has never started. Thread: any.\n"
     "Raises ValueError for a subprotocol that the client does not offer, RuntimeError for a second answer."},
    {"run", method(run), METH_VARARGS | METH_KEYWORDS,
     "run($self, coroutine, *, context=None)\n--\n\n"
     "Drives `coroutine`, which answers the handshake itself, with accept_now() or refuse(). Thread: any.\n\n"
     "Returns False if the peer has gone; the coroutine is closed then. Raises RuntimeError for a second answer."},
    {"accept_now", method(accept_now), METH_VARARGS | METH_KEYWORDS,
     "accept_now($self, *, subprotocol=None, headers=(), slow_member='close')\n--\n\n"
     "Answers with 101. Only for the coroutine that run() drives.\n\nRaises as accept()."},
    {"refuse", method(refuse), METH_VARARGS | METH_KEYWORDS,
     "refuse($self, status, headers=(), body=b'')\n--\n\n"
     "Answers with another response. Returns False if the peer has gone. Thread: any.\n\n"
     "Raises ValueError unless the status is from 200 to 599, TypeError for headers that are no pairs of bytes, and\n"
     "RuntimeError for a second answer."},
    {"closed", closed, METH_NOARGS,
     "closed($self)\n--\n\nWaits until the peer has left, also before the handshake is answered, or the WebSocket is "
     "closed.\n\nRaises RuntimeError on another thread than the event loop's."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"websocket", get_websocket, nullptr, "The WebSocket that comes of it; it cannot be used before the 101.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"subprotocols", T_OBJECT, offsetof(HandshakeObject, subprotocols), READONLY,
     "What the client offers, in its order of preference."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The opening handshake of a WebSocket (RFC 6455, 4.2). Any thread may answer it.\n\n"
                                  "An answer is accept(), run() or refuse(). Without one, the peer waits.\n\n"
                                  "    handshake.accept(view(handshake.websocket))")},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Handshake", sizeof(HandshakeObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

bool add_handshake_type(PyObject* module) {
    const Ref<> bases{PyTuple_Pack(1, head_type)};
    handshake_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases.get()));
    return handshake_type != nullptr && PyModule_AddType(module, handshake_type) == 0;
}

}  // namespace c10k::python
