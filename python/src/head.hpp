#pragma once

#include "c10k/http.hpp"
#include "python.hpp"

#include <memory>
#include <string_view>

namespace c10k::python {

class Engine;

// The head of a request as objects of Python, which any thread may read.
struct HeadObject {
    PyObject_HEAD PyObject* weak_references;
    std::shared_ptr<Engine> engine;
    PyObject* method;        // str
    PyObject* path;          // str, percent-decoded
    PyObject* raw_path;      // bytes, without the query
    PyObject* query_string;  // bytes
    PyObject* headers;       // list of (name in lower case, value), both bytes
    PyObject* client;        // (host, port), or None
    PyObject* server;        // (host, port), or (path, None), or None
    bool is_secure;
    int minor_version;
    bool is_gone;  // the peer has left, or has its answer
};

void fill_head(HeadObject& head, Engine& engine, const Request& request);
void clear_head(HeadObject& head) noexcept;

// The fields that Python gave as pairs of bytes, without those of the connection. Throws ErrorSet (TypeError).
Headers to_headers(PyObject* pairs);
// A response with those. One that asks for an upgrade names it (RFC 9110, 15.5.22). Throws ErrorSet also for a status
// that is none of an answer (ValueError).
Response to_response(int status, PyObject* headers, std::string_view body);

bool add_head_type(PyObject* module);

}  // namespace c10k::python
