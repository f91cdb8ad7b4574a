#include "module.hpp"

#include "exchange.hpp"
#include "group.hpp"
#include "handshake.hpp"
#include "head.hpp"
#include "server.hpp"
#include "task.hpp"
#include "waiting.hpp"
#include "websocket.hpp"

namespace c10k::python {

PyObject* connection_closed = nullptr;
PyObject* cancelled_error = nullptr;
PyObject* invalid_state_error = nullptr;
PyObject* get_running_loop = nullptr;
PyObject* enter_task = nullptr;
PyObject* leave_task = nullptr;

PyTypeObject* server_type = nullptr;
PyTypeObject* task_type = nullptr;
PyTypeObject* websocket_type = nullptr;
PyTypeObject* head_type = nullptr;
PyTypeObject* handshake_type = nullptr;
PyTypeObject* exchange_type = nullptr;
PyTypeObject* group_type = nullptr;
PyTypeObject* membership_type = nullptr;

namespace name {
#define C10K_NAME(identifier, text) PyObject* identifier = nullptr;
#include "names.inc"
#undef C10K_NAME
}  // namespace name

namespace {

void intern_names() {
#define C10K_NAME(identifier, text) name::identifier = owned(PyUnicode_InternFromString(text)).release();
#include "names.inc"
#undef C10K_NAME
}

void look_up_asyncio() {
    const Ref<> tasks = owned(PyImport_ImportModule("asyncio.tasks"));
    const Ref<> exceptions = owned(PyImport_ImportModule("asyncio.exceptions"));
    enter_task = owned(PyObject_GetAttrString(tasks.get(), "_enter_task")).release();
    leave_task = owned(PyObject_GetAttrString(tasks.get(), "_leave_task")).release();
    cancelled_error = owned(PyObject_GetAttrString(exceptions.get(), "CancelledError")).release();
    invalid_state_error = owned(PyObject_GetAttrString(exceptions.get(), "InvalidStateError")).release();
    const Ref<> events = owned(PyImport_ImportModule("asyncio.events"));
    get_running_loop = owned(PyObject_GetAttrString(events.get(), "get_running_loop")).release();
}

bool add_exception(PyObject* module) {
    connection_closed = PyErr_NewExceptionWithDoc(
        "c10k.ConnectionClosed", "The WebSocket is closed, or the client of a request has gone. An OSError.",
        PyExc_ConnectionError, nullptr);
    return connection_closed != nullptr && PyModule_AddObjectRef(module, "ConnectionClosed", connection_closed) == 0;
}

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_c10k",
    "The engine of c10k, in C++. The packages c10k and c10ktools are made to be used.",
    -1,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace
}  // namespace c10k::python

PyMODINIT_FUNC PyInit__c10k() {
    using namespace c10k::python;
    Ref<> module{PyModule_Create(&definition)};
    if (!module) {
        return nullptr;
    }
    return returns([&] {
        intern_names();
        look_up_asyncio();
        PyObject* const made = module.get();
        if (!add_exception(made) || !add_awaitable_type(made) || !add_task_type(made) || !add_websocket_type(made) ||
            !add_head_type(made) || !add_handshake_type(made) || !add_exchange_type(made) || !add_group_types(made) ||
            !add_server_type(made)) {
            throw ErrorSet{};
        }
        return std::move(module);
    });
}
