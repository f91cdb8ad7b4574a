#pragma once

#include "c10k/task.hpp"
#include "c10k/websocket.hpp"
#include "head.hpp"
#include "python.hpp"
#include "task.hpp"
#include "websocket.hpp"

#include <memory>

namespace c10k::python {

class Engine;
struct Answer;

// The opening handshake of a WebSocket, until somebody has answered it. Any thread may.
struct HandshakeObject {
    HeadObject head;
    WebSocketObject* websocket;
    PyObject* subprotocols;  // list of str
    std::unique_ptr<Answer> answer;
    Wake* wake;  // of the coroutine that waits for the answer
    bool is_answered;
};

// Asks the application about the handshake of `websocket`, and does what it answers. Afterwards the WebSocket has a
// task with a coroutine, or nothing is left to do.
Task<> open(Engine& engine, WebSocketObject& websocket);

bool add_handshake_type(PyObject* module);

}  // namespace c10k::python
