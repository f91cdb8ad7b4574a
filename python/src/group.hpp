#pragma once

#include "python.hpp"

namespace c10k::python {

// The types Group and Membership: groups of the WebSockets of this process.
bool add_group_types(PyObject* module);

}  // namespace c10k::python
