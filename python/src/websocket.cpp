#include "websocket.hpp"

#include "engine.hpp"
#include "module.hpp"

#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <structmember.h>
#include <utility>

namespace c10k::python {
namespace {

WebSocketObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<WebSocketObject*>(self); }
WebSocketObject& owner_of(Awaitable& awaitable) noexcept { return self_of(awaitable.owner); }

bool is_open(const WebSocketObject& self) noexcept { return self.socket != nullptr && self.socket->is_open(); }

void require_loop(const WebSocketObject& self, const char* what) {
    self.engine->require_own_process();
    if (!self.engine->is_on_thread()) {
        PyErr_Format(PyExc_RuntimeError, "%s belongs to the thread of the event loop; send() and close() do not", what);
        throw ErrorSet{};
    }
}

void require_accepted(const WebSocketObject& self) {
    if (!self.is_accepted) {
        raise(PyExc_RuntimeError, "the handshake of this WebSocket has not been accepted yet");
    }
}

// ---- recv()

// On behalf of a task of asyncio.
Task<> receive(WebSocketObject& self, WebSocket& socket) {
    std::optional<Message> message;
    try {
        message = co_await socket.recv();
    } catch (const Stopped&) {  // the view has ended
    }
    self.engine->take_gil();
    ForeignWaits& foreign = *self.foreign;
    foreign.is_receiving = false;
    if (message) {
        foreign.message = to_python(message);
    }
    foreign.receiver.wake();
}

Poll poll_foreign(WebSocketObject& self) {
    ForeignWaits& foreign = foreign_waits(self);
    if (foreign.receiver && !foreign.receiver.is_abandoned()) {
        raise(PyExc_RuntimeError, "another recv() is pending on this WebSocket");
    }
    foreign.receiver = Waiter{*self.engine};
    if (!foreign.is_receiving) {
        foreign.is_receiving = true;
        foreign.tasks.spawn(receive(self, *self.socket));
    }
    return foreign.receiver.poll();
}

Poll poll_message(Awaitable& awaitable) {
    WebSocketObject& self = owner_of(awaitable);
    if (self.foreign != nullptr && self.foreign->message) {
        return {Poll::State::kReady, std::exchange(self.foreign->message, {})};
    }
    if (self.socket == nullptr) {
        return {Poll::State::kReady, none()};
    }
    const bool is_foreign = running_task() == nullptr || running_task() != self.task;
    if (self.foreign != nullptr && self.foreign->is_receiving) {
        return poll_foreign(self);
    }
    if (std::optional<Message> message = self.socket->try_recv()) {
        return {Poll::State::kReady, to_python(message)};
    }
    if (!self.socket->is_open()) {
        return {Poll::State::kReady, none()};
    }
    return is_foreign ? poll_foreign(self) : Poll{Poll::State::kMessage};
}

Ref<> wait_for_message(PyObject* object, bool ends_iteration) {
    const WebSocketObject& self = self_of(object);
    require_loop(self, "recv()");
    require_accepted(self);
    return make_awaitable(object, &poll_message, ends_iteration);
}

PyObject* recv(PyObject* self, PyObject* /*unused*/) {
    return returns([&] { return wait_for_message(self, false); });
}

PyObject* anext(PyObject* self) {
    return returns([&] { return wait_for_message(self, true); });
}

PyObject* aiter(PyObject* self) { return Py_NewRef(self); }

// ---- send()

// On behalf of a task of asyncio.
Task<> wait_for_room(Engine& engine, WebSocket& socket, Waiter waiter) {
    try {
        co_await WebSocket::SendAwaiter{socket.connection()};
    } catch (const ConnectionClosed&) {  // the one that waits finds that itself
    } catch (const Stopped&) {           // the same
    }
    engine.take_gil();
    waiter.wake();
}

Poll poll_room(Awaitable& awaitable) {
    WebSocketObject& self = owner_of(awaitable);
    if (!is_open(self)) {
        raise_closed();
    }
    if (!self.socket->is_full()) {
        return {Poll::State::kReady, none()};
    }
    if (running_task() != nullptr && running_task() == self.task) {
        return {Poll::State::kRoom};
    }
    const Waiter waiter{*self.engine};
    foreign_waits(self).tasks.spawn(wait_for_room(*self.engine, *self.socket, waiter));
    return waiter.poll();
}

PyObject* send(PyObject* object, PyObject* data) {
    return returns([&]() -> Ref<> {
        WebSocketObject& self = self_of(object);
        self.engine->require_own_process();
        require_accepted(self);
        const Message message = to_message(data, "send");
        if (!self.engine->is_on_thread()) {
            if (self.close_code != 0 || !self.handle.send(message)) {
                raise_closed();
            }
            return ready();
        }
        if (!is_open(self)) {
            raise_closed();
        }
        self.socket->deliver(message);
        return self.socket->is_full() ? make_awaitable(object, &poll_room) : ready();
    });
}

// ---- wait_closed()

// On behalf of all that wait for the close.
Task<> notice_close(WebSocketObject& self, WebSocket& socket) {
    try {
        co_await socket.closed();
    } catch (const Stopped&) {  // the view has ended
    }
    self.engine->take_gil();
    for (Waiter& closer : std::exchange(self.foreign->closers, {})) {
        closer.wake();
    }
}

Poll poll_own_close(Awaitable& awaitable) { return poll_closed(owner_of(awaitable)); }

PyObject* wait_closed(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        require_loop(self_of(object), "wait_closed()");
        require_accepted(self_of(object));
        return make_awaitable(object, &poll_own_close);
    });
}

// ---- close()

PyObject* close(PyObject* object, PyObject* args, PyObject* keywords) {
    return returns([&] {
        const auto [code, reason] = close_arguments(args, keywords);
        WebSocketObject& self = self_of(object);
        self.engine->require_own_process();
        if (self.engine->is_on_thread() && self.socket != nullptr) {
            self.socket->close(code, reason);
        } else {
            self.handle.close(code, reason);
        }
    });
}

// ---- Attributes

// Once it is closed, the object knows how.
void note_close(WebSocketObject& self) {
    if (self.close_code == 0 && self.socket != nullptr && !self.socket->is_open() && self.engine->is_on_thread()) {
        self.close_reason = to_text(self.socket->close_info().reason).release();
        self.close_code = self.socket->close_info().code;
    }
}

PyObject* get_closed(PyObject* object, void* /*unused*/) {
    return returns([&] {
        note_close(self_of(object));
        return self_of(object).close_code != 0;
    });
}

PyObject* get_close_code(PyObject* object, void* /*unused*/) {
    return returns([&]() -> Ref<> {
        WebSocketObject& self = self_of(object);
        note_close(self);
        return self.close_code == 0 ? none() : owned(PyLong_FromLong(self.close_code));
    });
}

PyObject* get_close_reason(PyObject* object, void* /*unused*/) {
    return returns([&]() -> Ref<> {
        WebSocketObject& self = self_of(object);
        note_close(self);
        return self.close_reason != nullptr ? shared(self.close_reason) : to_text({});
    });
}

PyObject* get_subprotocol(PyObject* object, void* /*unused*/) {
    return returns([&]() -> Ref<> {
        const WebSocketObject& self = self_of(object);
        if (self.socket == nullptr || self.socket->subprotocol().empty()) {
            return none();
        }
        return to_text(self.socket->subprotocol());
    });
}

PyObject* get_task(PyObject* object, void* /*unused*/) {
    TaskObject* task = self_of(object).task;
    return Py_NewRef(task != nullptr ? reinterpret_cast<PyObject*>(task) : Py_None);
}

PyObject* get_receiving(PyObject* object, void* /*unused*/) {
    const WebSocketObject& self = self_of(object);
    return PyBool_FromLong((self.task != nullptr && self.task->is_receiving) ||
                                   (self.foreign != nullptr && self.foreign->is_receiving)
                               ? 1
                               : 0);
}

PyObject* get_request(PyObject* object, void* /*unused*/) {
    return Py_NewRef(self_of(object).request != nullptr ? self_of(object).request : Py_None);
}

int set_request(PyObject* object, PyObject* value, void* /*unused*/) {
    Py_XSETREF(self_of(object).request, Py_XNewRef(value));
    return 0;
}

// ---- The type

int traverse(PyObject* object, visitproc visit, void* arg) {
    const WebSocketObject& self = self_of(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(reinterpret_cast<PyObject*>(self.task));
    Py_VISIT(self.request);
    return 0;
}

int clear(PyObject* object) {
    WebSocketObject& self = self_of(object);
    Py_CLEAR(self.task);
    Py_CLEAR(self.request);
    return 0;
}

void deallocate(PyObject* object) {
    WebSocketObject& self = self_of(object);
    PyObject_GC_UnTrack(object);
    PyObject_ClearWeakRefs(object);
    clear(object);
    Py_CLEAR(self.close_reason);
    self.foreign.~unique_ptr();
    self.handle.~WebSocketHandle();
    self.engine.~shared_ptr();
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send, METH_O,
     "send($self, data, /)\n--\n\n"
     "Queues a message at once: str as text, bytes, bytearray and memoryview as binary.\n\n"
     "Await the result to wait while the peer is far behind; without that, a peer that stays too far behind is "
     "treated\n"
     "as slow_member says. Thread: any, but only the event loop's thread may await.\n\n"
     "Raises TypeError for anything else, ValueError for a str with lone surrogates, and ConnectionClosed when the\n"
     "WebSocket is closed.\n\n"
     "    await ws.send('hello')"},
    {"recv", recv, METH_NOARGS,
     "recv($self)\n--\n\n"
     "Returns the next message, str or bytes; None once the WebSocket is closed, cleanly or not.\n\n"
     "Raises RuntimeError while another task waits for one, and on another thread than the event loop's.\n\n"
     "    message = await ws.recv()"},
    {"wait_closed", wait_closed, METH_NOARGS,
     "wait_closed($self)\n--\n\n"
     "Waits until the WebSocket is closed, by either side: for a view that waits for other things than messages.\n\n"
     "Raises RuntimeError on another thread than the event loop's.\n\n"
     "    pushing = asyncio.create_task(push(ws))\n"
     "    await ws.wait_closed()\n"
     "    pushing.cancel()"},
    {"close", method(close), METH_VARARGS | METH_KEYWORDS,
     "close($self, code=1000, reason='')\n--\n\n"
     "Begins the closing handshake (RFC 6455, 7.1.2). Does nothing if the WebSocket is closed. A reason is cut to 123\n"
     "bytes of UTF-8. Thread: any.\n\n"
     "Raises ValueError for a code that an application may not send: 1000 to 1003, 1007 to 1014 and 3000 to 4999 it "
     "may."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"closed", get_closed, nullptr, "Whether the WebSocket is closed, or closing.", nullptr},
    {"close_code", get_close_code, nullptr, "The close code (RFC 6455, 7.1.5); None while it is open.", nullptr},
    {"close_reason", get_close_reason, nullptr, "The reason that came with the close code, or ''.", nullptr},
    {"subprotocol", get_subprotocol, nullptr, "The subprotocol that both sides agreed on, or None.", nullptr},
    {"request", get_request, set_request, "The request of the handshake, if it is kept.", nullptr},
    {"receiving", get_receiving, nullptr, "Whether a recv() waits for a message.", nullptr},
    {"task", get_task, nullptr, "The task that runs the view: what asyncio.current_task() is inside it.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(WebSocketObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A WebSocket (RFC 6455). Iterate over it with `async for` to get its messages.")},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_am_aiter, slot(aiter)},
    {Py_am_anext, slot(anext)},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.WebSocket", sizeof(WebSocketObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

// How the caller may send `data`, which is no message.
const char* hint_for(PyObject* data) {
    if (PyDict_Check(data) != 0 || PyList_Check(data) != 0 || PyTuple_Check(data) != 0) {
        return ": json.dumps() makes a str of it";
    }
    return PyObject_HasAttrString(data, "__await__") != 0 ? ": await it" : "";
}

}  // namespace

Message to_message(PyObject* data, const char* function) {
    if (PyUnicode_Check(data) != 0) {
        return Message{Message::Kind::kText, utf8_of(data)};
    }
    if (PyBytes_Check(data) != 0) {
        return Message::binary(bytes_of(data));
    }
    if (PyObject_CheckBuffer(data) == 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes str or bytes, not %.100s%s", function, Py_TYPE(data)->tp_name,
                     hint_for(data));
        throw ErrorSet{};
    }
    Py_buffer buffer;
    check(PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE));
    try {
        Message message = Message::binary({static_cast<const char*>(buffer.buf), static_cast<std::size_t>(buffer.len)});
        PyBuffer_Release(&buffer);
        return message;
    } catch (...) {
        PyBuffer_Release(&buffer);
        throw;
    }
}

CloseArguments close_arguments(PyObject* args, PyObject* keywords) {
    static const char* names[] = {"code", "reason", nullptr};
    int code = CloseCode::kNormal;
    const char* reason = "";
    Py_ssize_t size = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|is#:close", const_cast<char**>(names), &code, &reason, &size) ==
        0) {
        throw ErrorSet{};
    }
    if (!std::in_range<std::uint16_t>(code) || !CloseCode::is_sendable(static_cast<std::uint16_t>(code))) {
        PyErr_Format(PyExc_ValueError, "close(): a close frame may not carry the code %d", code);
        throw ErrorSet{};
    }
    return {static_cast<std::uint16_t>(code), {reason, static_cast<std::size_t>(size)}};
}

Ref<> to_python(const std::optional<Message>& message) {
    if (!message) {
        return none();
    }
    return message->is_text() ? to_text(message->view()) : to_bytes(message->view());
}

Poll poll_closed(WebSocketObject& self) {
    if (!is_open(self)) {
        return {Poll::State::kReady, none()};
    }
    ForeignWaits& foreign = foreign_waits(self);
    std::erase_if(foreign.closers, [](const Waiter& closer) { return closer.is_abandoned(); });
    Poll polled = foreign.closers.emplace_back(*self.engine).poll();
    if (!std::exchange(foreign.is_watched, true)) {
        foreign.tasks.spawn(notice_close(self, *self.socket));
    }
    return polled;
}

ForeignWaits& foreign_waits(WebSocketObject& self) {
    if (self.foreign == nullptr) {
        self.foreign = std::make_unique<ForeignWaits>();
    }
    return *self.foreign;
}

Ref<WebSocketObject> make_websocket(Engine& engine, WebSocket& socket) {
    auto* made = reinterpret_cast<WebSocketObject*>(owned(websocket_type->tp_alloc(websocket_type, 0)).release());
    new (&made->handle) WebSocketHandle{socket.handle()};
    new (&made->foreign) std::unique_ptr<ForeignWaits>;
    new (&made->engine) std::shared_ptr<Engine>{engine.shared_from_this()};
    made->socket = &socket;
    return Ref<WebSocketObject>{made};
}

void detach(WebSocketObject& self, std::uint16_t code) noexcept {
    try {
        note_close(self);
        if (self.close_code == 0) {
            self.close_reason = to_text({}).release();
            self.close_code = code;
        }
        if (self.is_accepted) {
            const Ref<> number = owned(PyLong_FromLong(self.close_code));
            notify(*self.engine, name::on_closed, &self, number.get(), self.close_reason);
        }
    } catch (const ErrorSet&) {
        report_unraisable(reinterpret_cast<PyObject*>(&self));
    }
    self.socket = nullptr;
}

bool add_websocket_type(PyObject* module) {
    websocket_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return websocket_type != nullptr && PyModule_AddType(module, websocket_type) == 0;
}

}  // namespace c10k::python
