#include "server.hpp"

#include "c10k/settings.hpp"
#include "engine.hpp"
#include "module.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <structmember.h>

namespace c10k::python {
namespace {

struct ServerObject {
    PyObject_HEAD PyObject* weak_references;
    std::shared_ptr<Engine> engine;  // null before __init__() and after close()
    PyObject* application;
    PyObject* loop;
};

ServerObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<ServerObject*>(self); }

Engine& engine_in(PyObject* self) {
    Engine* engine = engine_of(self);
    if (engine == nullptr) {
        throw ErrorSet{};
    }
    engine->require_own_process();
    return *engine;
}

Engine& on_thread(PyObject* self) {
    Engine& engine = engine_in(self);
    if (!engine.is_on_thread()) {
        raise(PyExc_RuntimeError, "this belongs to the thread that made the server");
    }
    return engine;
}

Settings to_settings(PyObject* mapping) {
    SettingsReader reader;
    if (mapping != nullptr && mapping != Py_None) {
        const Ref<> items = owned(PyMapping_Items(mapping));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
            PyObject* item = PyList_GET_ITEM(items.get(), i);
            const Ref<> text = owned(PyObject_Str(PyTuple_GET_ITEM(item, 1)));
            reader.apply(utf8_of(PyTuple_GET_ITEM(item, 0)), utf8_of(text.get()), "settings");
        }
    }
    return reader.settings();
}

PyObject* make(PyTypeObject* type, PyObject* /*args*/, PyObject* /*keywords*/) {
    PyObject* made = type->tp_alloc(type, 0);
    if (made != nullptr) {
        new (&self_of(made).engine) std::shared_ptr<Engine>;
    }
    return made;
}

int init(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"application", "loop", "settings", nullptr};
    PyObject* application = nullptr;
    PyObject* loop = nullptr;
    PyObject* settings = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "OO|O:Server", const_cast<char**>(names), &application, &loop,
                                    &settings) == 0) {
        return -1;
    }
    const Ref<> done{returns([&] {
        ServerObject& self = self_of(object);
        if (self.engine != nullptr) {
            raise(PyExc_RuntimeError, "the server has begun already");
        }
        self.engine = std::make_shared<Engine>(application, loop, to_settings(settings));
        self.application = Py_NewRef(application);
        self.loop = Py_NewRef(loop);
    })};
    return done ? 0 : -1;
}

PyObject* listen(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"host", "port", nullptr};
    const char* host = nullptr;
    unsigned short port = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "sH:listen", const_cast<char**>(names), &host, &port) == 0) {
        return nullptr;
    }
    return returns([&] { return to_text(on_thread(object).server().listen(host, port)); });
}

PyObject* listen_fd(PyObject* object, PyObject* argument) {
    return returns([&] {
        const int descriptor = PyObject_AsFileDescriptor(argument);
        check(descriptor);
        return to_text(on_thread(object).server().listen_on(descriptor));
    });
}

PyObject* run_turn(PyObject* object, PyObject* timeout) {
    return returns([&] {
        std::optional<std::chrono::milliseconds> longest;
        if (timeout != Py_None) {
            const double seconds = PyFloat_AsDouble(timeout);
            if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
                throw ErrorSet{};
            }
            longest = std::chrono::milliseconds{
                static_cast<std::int64_t>(std::ceil(std::fmin(std::fmax(seconds, 0.0), 86400.0) * 1000))};
        }
        if (const Engine* engine = engine_of(object)) {
            engine->end_child();
        }
        const bool is_readable = on_thread(object).run_turn(longest);
        check(PyErr_CheckSignals());
        return is_readable;
    });
}

PyObject* watch(PyObject* object, PyObject* argument) {
    return returns([&] {
        const int descriptor = PyObject_AsFileDescriptor(argument);
        check(descriptor);
        on_thread(object).watch(descriptor);
    });
}

PyObject* stop(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"code", "reason", "grace", nullptr};
    unsigned short code = CloseCode::kGoingAway;
    const char* reason = "the server is shutting down";
    double grace = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|Hsd:stop", const_cast<char**>(names), &code, &reason, &grace) ==
        0) {
        return nullptr;
    }
    return returns([&] {
        const auto milliseconds = static_cast<std::int64_t>(std::fmin(std::fmax(grace, 0.0), 86400.0) * 1000);
        on_thread(object).stop({code, reason, std::chrono::milliseconds{milliseconds}});
    });
}

PyObject* wake(PyObject* object, PyObject* /*unused*/) {
    return returns([&] { engine_in(object).server().wake(); });
}

PyObject* metrics(PyObject* object, PyObject* /*unused*/) {
    return returns([&] { return to_text(engine_in(object).server().metrics().text()); });
}

PyObject* close(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        ServerObject& self = self_of(object);
        if (self.engine != nullptr) {
            on_thread(object).close();
            self.engine.reset();
        }
    });
}

PyObject* get_stopped(PyObject* object, void* /*unused*/) {
    const ServerObject& self = self_of(object);
    const bool is_closed = self.engine == nullptr || !self.engine->is_running();
    return PyBool_FromLong(is_closed || self.engine->server().is_stopped() ? 1 : 0);
}

PyObject* get_connections(PyObject* object, void* /*unused*/) {
    return returns([&] { return owned(PyLong_FromSize_t(on_thread(object).server().connections())); });
}

PyObject* get_websockets(PyObject* object, void* /*unused*/) {
    return returns([&] { return owned(PyLong_FromSize_t(on_thread(object).server().websockets())); });
}

PyObject* get_turns(PyObject* object, void* /*unused*/) {
    return returns([&] { return owned(PyLong_FromUnsignedLongLong(engine_in(object).turns())); });
}

PyObject* get_shutdown_time(PyObject* object, void* /*unused*/) {
    return returns([&] {
        return owned(PyFloat_FromDouble(std::chrono::duration<double>{engine_in(object).shutdown_time()}.count()));
    });
}

PyObject* get_backend(PyObject* object, void* /*unused*/) {
    return returns([&] { return to_text(engine_in(object).server().backend()); });
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self_of(object).application);
    Py_VISIT(self_of(object).loop);
    return 0;
}

int clear(PyObject* object) {
    if (self_of(object).engine != nullptr && self_of(object).engine->is_running()) {
        return 0;  // it borrows both
    }
    Py_CLEAR(self_of(object).application);
    Py_CLEAR(self_of(object).loop);
    return 0;
}

void deallocate(PyObject* object) {
    ServerObject& self = self_of(object);
    PyObject_GC_UnTrack(object);
    PyObject_ClearWeakRefs(object);
    if (self.engine != nullptr && self.engine->is_on_thread()) {
        self.engine->close();
    }
    self.engine.~shared_ptr();
    clear(object);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* check_settings(PyObject* /*type*/, PyObject* settings) {
    return returns([&] { to_settings(settings); });
}

PyMethodDef methods[] = {
    {"check_settings", check_settings, METH_O | METH_STATIC,
     "check_settings(settings, /)\n--\n\n"
     "Raises ValueError, with a line for each, if settings are unknown or wrong. Thread: any."},
    {"listen", method(listen), METH_VARARGS | METH_KEYWORDS,
     "listen($self, host, port)\n--\n\nListens on all addresses of `host`. Returns the first one as text, with its "
     "real "
     "port.\n\n"
     "Raises OSError.\n\n"
     "    server.listen('127.0.0.1', 0)  # '127.0.0.1:40123'"},
    {"listen_fd", listen_fd, METH_O,
     "listen_fd($self, fd, /)\n--\n\nListens on a duplicate of a listening socket. Returns its address as "
     "text.\n\nRaises OSError."},
    {"run_turn", run_turn, METH_O,
     "run_turn($self, timeout, /)\n--\n\nOne turn of the engine; sleeps at most `timeout` seconds, or without limit if "
     "it is "
     "None.\n"
     "The GIL is free meanwhile, except while views run. Returns whether the descriptor of watch() was readable."},
    {"watch", watch, METH_O, "watch($self, fd, /)\n--\n\nThe sleep of run_turn() ends also when `fd` is readable."},
    {"stop", method(stop), METH_VARARGS | METH_KEYWORDS,
     "stop($self, code=1001, reason='the server is shutting down', grace=0.0)\n--\n\n"
     "Begins to end: closes the WebSockets with `code`, and cancels views that wait for something else. run_turn() "
     "goes\n"
     "on with it until `stopped`.\n\nThe WebSockets stay open for `grace` seconds first."},
    {"wake", wake, METH_NOARGS, "wake($self)\n--\n\nEnds the sleep of run_turn(). Thread: any."},
    {"metrics", metrics, METH_NOARGS, "metrics($self)\n--\n\nWhat the server counts, in Prometheus' text format."},
    {"close", close, METH_NOARGS,
     "close($self)\n--\n\nEnds whatever is left at once. The server cannot be used afterwards."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"stopped", get_stopped, nullptr, "Whether all that stop() began has ended.", nullptr},
    {"connections", get_connections, nullptr, "How many connections are open.", nullptr},
    {"websockets", get_websockets, nullptr, "How many of them are WebSockets.", nullptr},
    {"turns", get_turns, nullptr, "How many turns there were: a loop that a view blocks makes none. Thread: any.",
     nullptr},
    {"shutdown_time", get_shutdown_time, nullptr, "The setting of that name, in seconds.", nullptr},
    {"backend", get_backend, nullptr, "'epoll' or 'io_uring'.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ServerObject, weak_references), READONLY, nullptr},
    {"application", T_OBJECT, offsetof(ServerObject, application), READONLY, "What answers the requests."},
    {"loop", T_OBJECT, offsetof(ServerObject, loop), READONLY, "The event loop of asyncio that it works for."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Server(application, loop, settings={})\n--\n\n"
                                  "The engine. It moves while run_turn() is called. Thread: the one that makes it.\n\n"
                                  "The settings are those of c10k.conf. Raises ValueError for a wrong one.")},
    {Py_tp_new, slot(make)},
    {Py_tp_init, slot(init)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Server", sizeof(ServerObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

Engine* engine_of(PyObject* server) noexcept {
    Engine* engine = self_of(server).engine.get();
    if (engine == nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "the server is closed");
    }
    return engine;
}

bool add_server_type(PyObject* module) {
    server_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return server_type != nullptr && PyModule_AddType(module, server_type) == 0;
}

}  // namespace c10k::python
