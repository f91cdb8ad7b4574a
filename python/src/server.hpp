#pragma once

#include "python.hpp"

namespace c10k::python {

class Engine;

// The type Server: an engine, and the application and the event loop that it works for.
bool add_server_type(PyObject* module);

// The engine of a Server. Null, with an exception set, if that is closed.
Engine* engine_of(PyObject* server) noexcept;

}  // namespace c10k::python
