#pragma once

#include "python.hpp"

namespace c10k::python {

// Objects that the module looks up once. All of it lives as long as the interpreter.
extern PyObject* connection_closed;    // the exception ConnectionClosed
extern PyObject* cancelled_error;      // asyncio.CancelledError
extern PyObject* invalid_state_error;  // asyncio.InvalidStateError
extern PyObject* get_running_loop;     // asyncio.get_running_loop
extern PyObject* enter_task;           // asyncio.tasks._enter_task
extern PyObject* leave_task;           // asyncio.tasks._leave_task

extern PyTypeObject* server_type;
extern PyTypeObject* task_type;
extern PyTypeObject* websocket_type;
extern PyTypeObject* head_type;
extern PyTypeObject* handshake_type;
extern PyTypeObject* exchange_type;
extern PyTypeObject* group_type;
extern PyTypeObject* membership_type;

// Names of methods and attributes, interned.
namespace name {
#define C10K_NAME(identifier, text) extern PyObject* identifier;
#include "names.inc"
#undef C10K_NAME
}  // namespace name

// The exception that ConnectionClosed is raised as: an OSError, as ASGI wants it.
[[noreturn]] inline void raise_closed() { raise(connection_closed, "the WebSocket is closed"); }

}  // namespace c10k::python
