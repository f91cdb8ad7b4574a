#pragma once

#include "c10k/body_reader.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "head.hpp"
#include "python.hpp"
#include "waiting.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

namespace c10k::python {

class Engine;

// The state of an exchange in C++. The GIL is its lock: the loop takes it, too.
struct ExchangeState {
    std::optional<Response> response;  // until the loop takes it
    std::list<Ref<>> pieces;           // of a streamed body: bytes that the loop has not taken
    std::size_t queued_bytes = 0;      // in them
    bool is_new = false;               // on_request() runs
    bool is_answered = false;
    bool is_streamed = false;
    bool is_finished = false;   // no more pieces come
    bool is_aborted = false;    // nor do those that are missing
    bool drops_pieces = false;  // the answer has no body on the wire, as that to HEAD
    Wake* loop = nullptr;       // the coroutine of the loop waits for a response, or for pieces
    bool is_wake_posted = false;
    std::vector<Waiter> writers;                      // wait for room
    std::vector<Waiter> closers;                      // wait for the end
    std::binary_semaphore* blocked_writer = nullptr;  // a thread waits for room

    // ---- The body of the request
    BodyReader* body = nullptr;  // until the answer is complete
    TaskGroup reads;             // of one task, which reads a piece for whoever asked
    Ref<> piece;                 // bytes that have come, and nobody has taken
    std::string body_failure;    // why the rest does not come
    Waiter reader;
    std::binary_semaphore* blocked_reader = nullptr;  // a thread waits for a piece
    bool is_reading = false;
    bool is_body_read = false;  // to its end
};

// A request and its answer, which any thread may give.
struct ExchangeObject {
    HeadObject head;
    std::unique_ptr<ExchangeState> state;
};

Ref<ExchangeObject> make_exchange(Engine& engine, const Request& request);

// Asks the application, and sends what it answers.
Task<Response> answer(Engine& engine, Ref<ExchangeObject> exchange, BodyReader& body);

bool add_exchange_type(PyObject* module);

}  // namespace c10k::python
