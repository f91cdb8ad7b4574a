#include "group.hpp"

#include "c10k/groups.hpp"
#include "engine.hpp"
#include "module.hpp"
#include "server.hpp"
#include "waiting.hpp"
#include "websocket.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>

namespace c10k::python {
namespace {

// A group by name. The engine knows it on its own thread only: others send it there.
struct GroupObject {
    PyObject_HEAD std::shared_ptr<Engine> engine;
    PyObject* name;              // str
    std::optional<Group> group;  // once the loop's thread has looked it up
};

// A WebSocket's place in a group, for `async with`.
struct MembershipObject {
    PyObject_HEAD GroupObject* group;
    WebSocketObject* websocket;
    std::optional<Membership> membership;
    std::exception_ptr failure;  // of the join
    Waiter waiter;
    bool is_joining;
};

GroupObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<GroupObject*>(self); }
MembershipObject& membership_of(PyObject* self) noexcept { return *reinterpret_cast<MembershipObject*>(self); }

// Thread: the loop's.
Group& group_of(GroupObject& self) {
    if (!self.group) {
        self.group = self.engine->server().groups().named("python", utf8_of(self.name));
    }
    return *self.group;
}

// Calls `use(group)` on the loop, now or soon. Returns false if there is no loop any more.
template <typename Use>
bool with_group(GroupObject& self, Use use) {
    self.engine->require_own_process();
    if (!self.engine->is_running()) {
        return false;
    }
    if (self.engine->is_on_thread()) {
        use(group_of(self));
        return true;
    }
    return self.engine->server().post(
        [engine = self.engine, name = std::string{utf8_of(self.name)}, use = std::move(use)] {
            Group group = engine->server().groups().named("python", name);
            use(group);
        });
}

PyObject* send(PyObject* object, PyObject* data) {
    return returns([&] {
        with_group(self_of(object), [message = to_message(data, "send")](Group& group) { group.send(message); });
    });
}

PyObject* close(PyObject* object, PyObject* args, PyObject* keywords) {
    return returns([&] {
        with_group(self_of(object), [wanted = close_arguments(args, keywords)](Group& group) {
            group.close(wanted.code, wanted.reason);
        });
    });
}

PyObject* count(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        GroupObject& self = self_of(object);
        std::size_t members = 0;
        if (self.engine->is_running() && self.engine->is_on_thread()) {
            members = group_of(self).count();
        } else {
            // The job may be dropped, or fail: its end counts.
            std::binary_semaphore done{0};
            with_group(self, [&members, ending = std::shared_ptr<std::binary_semaphore>{
                                            &done, [](std::binary_semaphore* waited) {
                                                waited->release();
                                            }}](Group& group) { members = group.count(); });
            wait_without_gil(done);
        }
        return owned(PyLong_FromSize_t(members));
    });
}

PyObject* join(PyObject* object, PyObject* argument) {
    return returns([&] {
        if (PyObject_TypeCheck(argument, websocket_type) == 0) {
            PyErr_Format(PyExc_TypeError, "join() takes a WebSocket, not %.100s", Py_TYPE(argument)->tp_name);
            throw ErrorSet{};
        }
        auto* made = PyObject_New(MembershipObject, membership_type);
        if (made == nullptr) {
            throw ErrorSet{};
        }
        new (&made->membership) std::optional<Membership>;
        new (&made->failure) std::exception_ptr;
        new (&made->waiter) Waiter;
        made->is_joining = false;
        made->group = shared(reinterpret_cast<GroupObject*>(object)).release();
        made->websocket = shared(reinterpret_cast<WebSocketObject*>(argument)).release();
        return Ref<>{reinterpret_cast<PyObject*>(made)};
    });
}

// All in __new__(): a subclass may forget to call __init__().
PyObject* make(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"server", "name", nullptr};
    PyObject* server = nullptr;
    PyObject* name = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O!U:Group", const_cast<char**>(names), server_type, &server,
                                    &name) == 0) {
        return nullptr;
    }
    Engine* engine = engine_of(server);
    PyObject* made = engine != nullptr ? type->tp_alloc(type, 0) : nullptr;
    if (made != nullptr) {
        new (&self_of(made).engine) std::shared_ptr<Engine>{engine->shared_from_this()};
        new (&self_of(made).group) std::optional<Group>;
        self_of(made).name = Py_NewRef(name);
    }
    return made;
}

void deallocate(PyObject* object) {
    GroupObject& self = self_of(object);
    if (self.group && !self.engine->is_on_thread() && self.engine->is_running()) {
        self.engine->server().post([group = std::move(*self.group)] {});  // it belongs to that thread
    }
    self.group.~optional();
    Py_CLEAR(self.name);
    self.engine.~shared_ptr();
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* get_name(PyObject* object, void* /*unused*/) { return Py_NewRef(self_of(object).name); }

PyMethodDef methods[] = {
    {"send", send, METH_O,
     "send($self, data, /)\n--\n\nSends a message to every member, and never waits: a member that stays too far behind "
     "is "
     "treated\n"
     "as its slow_member says. It is encoded once. Thread: any.\n\n"
     "Raises TypeError for anything but str, bytes, bytearray and memoryview."},
    {"join", join, METH_O,
     "join($self, ws, /)\n--\n\nMakes the WebSocket a member for the time of a block.\n\n    async with "
     "group.join(ws):\n\n"
     "Raises TypeError for anything but a WebSocket, and at the block's beginning ConnectionClosed if it is closed."},
    {"count", count, METH_NOARGS, "count($self)\n--\n\nHow many members the group has now. Thread: any."},
    {"close", method(close), METH_VARARGS | METH_KEYWORDS,
     "close($self, code=1000, reason='')\n--\n\nCloses the WebSockets of all members. Thread: any.\n\n"
     "Raises ValueError for a code that an application may not send."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"name", get_name, nullptr, "The name of the group.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("Group(server, name)\n--\n\nThe WebSockets of this process that have joined `name`.")},
    {Py_tp_new, slot(make)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Group", sizeof(GroupObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

// ---- Membership

Task<> join_group(Engine& engine, Kept<MembershipObject> self, Group group, WebSocket& socket) {
    try {
        self->membership = co_await group.join(socket);
    } catch (const Stopped&) {  // the view has ended
    } catch (...) {
        self->failure = std::current_exception();
    }
    engine.take_gil();
    self->is_joining = false;
    self->waiter.wake();
}

Poll poll_join(Awaitable& awaitable) {
    MembershipObject& self = membership_of(awaitable.owner);
    if (self.failure) {
        std::rethrow_exception(std::exchange(self.failure, nullptr));
    }
    if (self.membership) {
        return {Poll::State::kReady, shared(reinterpret_cast<PyObject*>(self.group))};
    }
    if (self.websocket->socket == nullptr) {
        raise_closed();
    }
    if (self.is_joining) {
        raise(PyExc_RuntimeError, "this WebSocket is joining already");
    }
    Engine& engine = *self.websocket->engine;
    self.is_joining = true;
    self.waiter = Waiter{engine};
    foreign_waits(*self.websocket)
        .tasks.spawn(join_group(engine, kept(engine, shared(&self)), group_of(*self.group), *self.websocket->socket));
    return self.waiter.poll();
}

PyObject* enter(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        const MembershipObject& self = membership_of(object);
        self.websocket->engine->require_own_process();
        if (!self.websocket->engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "join() belongs to the thread of the event loop");
        }
        if (!self.websocket->is_accepted) {
            raise(PyExc_RuntimeError, "the handshake of this WebSocket has not been accepted yet");
        }
        return make_awaitable(object, &poll_join);
    });
}

PyObject* leave(PyObject* object, PyObject* /*args*/) {
    return returns([&] {
        MembershipObject& self = membership_of(object);
        self.websocket->engine->require_own_process();
        if (!self.websocket->engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "a block of join() belongs to the thread of the event loop");
        }
        self.membership.reset();
        return ready();
    });
}

void deallocate_membership(PyObject* object) {
    MembershipObject& self = membership_of(object);
    Engine& engine = *self.websocket->engine;
    if (self.membership && !engine.is_on_thread() && engine.is_running()) {  // it belongs to that thread
        engine.server().post([left = std::make_shared<Membership>(std::move(*self.membership))] {});
    }
    self.membership.~optional();
    self.failure.~exception_ptr();
    self.waiter.~Waiter();
    Py_CLEAR(self.group);
    Py_CLEAR(self.websocket);
    PyTypeObject* type = Py_TYPE(object);
    PyObject_Free(object);
    Py_DECREF(type);
}

PyMethodDef membership_methods[] = {
    {"__aenter__", enter, METH_NOARGS, nullptr},
    {"__aexit__", leave, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot membership_slots[] = {
    {Py_tp_doc, const_cast<char*>("A WebSocket's place in a group, for the time of an `async with` block.")},
    {Py_tp_dealloc, slot(deallocate_membership)},
    {Py_tp_methods, membership_methods},
    {0, nullptr},
};

PyType_Spec membership_spec = {"_c10k.Membership", sizeof(MembershipObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, membership_slots};

}  // namespace

bool add_group_types(PyObject* module) {
    group_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    membership_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&membership_spec));
    return group_type != nullptr && membership_type != nullptr && PyModule_AddType(module, group_type) == 0 &&
           PyModule_AddType(module, membership_type) == 0;
}

}  // namespace c10k::python
