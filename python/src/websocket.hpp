#pragma once

#include "c10k/close_code.hpp"
#include "c10k/message.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"
#include "python.hpp"
#include "waiting.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace c10k::python {

class Engine;
struct TaskObject;

// The state for tasks of asyncio that wait for a WebSocket, beside the view's own task.
struct ForeignWaits {
    TaskGroup tasks;              // wait for the connection on their behalf, and end with the view
    Waiter receiver;              // is woken when `message` is there
    Ref<> message;                // has been received for a task that was cancelled meanwhile, or has not looked yet
    std::vector<Waiter> closers;  // are woken when the WebSocket closes
    bool is_receiving = false;
    bool is_watched = false;  // a task waits for the close
};

// A WebSocket as Python sees it. It may outlive the connection, and then only tells how that was closed.
struct WebSocketObject {
    PyObject_HEAD PyObject* weak_references;
    std::shared_ptr<Engine> engine;
    WebSocket* socket;                      // null after the view has ended
    WebSocketHandle handle;                 // for other threads
    std::unique_ptr<ForeignWaits> foreign;  // null until a task of asyncio waits
    TaskObject* task;                       // runs the view, owned; or null
    PyObject* request;                      // for the owner; or null
    PyObject* close_reason;                 // str; null while it is open
    std::uint16_t close_code;               // 0 while it is open
    bool is_accepted;                       // the 101 is queued
};

Ref<WebSocketObject> make_websocket(Engine& engine, WebSocket& socket);

// The WebSocket ends with its view, which closes it with `code` if it is open: from now on only the object is left.
void detach(WebSocketObject& self, std::uint16_t code) noexcept;

// A message of a str or of an object with bytes. Throws ErrorSet (TypeError, ValueError).
Message to_message(PyObject* data, const char* function);
// The object of Python for a message; None if there is none.
Ref<> to_python(const std::optional<Message>& message);

// How an application closes: with a code that a close frame may carry.
struct CloseArguments {
    std::uint16_t code = CloseCode::kNormal;
    std::string reason;
};
// Those of a call of close(). Throws ErrorSet (TypeError, ValueError), on whatever thread the caller is.
CloseArguments close_arguments(PyObject* args, PyObject* keywords);

// Waits until the peer has taken enough of what is queued.
inline WebSocket::SendAwaiter room_of(WebSocketObject& self) noexcept {
    return WebSocket::SendAwaiter{self.socket->connection()};
}

// Whether it is closed; else the coroutine that runs is woken when it closes.
Poll poll_closed(WebSocketObject& self);

// Tasks of asyncio wait with these.
ForeignWaits& foreign_waits(WebSocketObject& self);

bool add_websocket_type(PyObject* module);

}  // namespace c10k::python
