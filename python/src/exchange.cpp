#include "exchange.hpp"

#include "engine.hpp"
#include "module.hpp"
#include "task.hpp"

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <structmember.h>
#include <utility>

namespace c10k::python {
namespace {

// A writer waits when more is queued, until half of it is gone.
constexpr std::size_t kMostQueuedBytes = 64 * 1024;

ExchangeObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<ExchangeObject*>(self); }
ExchangeObject& owner_of(Awaitable& awaitable) noexcept { return self_of(awaitable.owner); }

// ---- On the loop

void wake_writers(ExchangeState& state) noexcept {
    for (Waiter& writer : std::exchange(state.writers, {})) {
        writer.wake();
    }
    if (std::binary_semaphore* blocked = std::exchange(state.blocked_writer, nullptr)) {
        blocked->release();
    }
}

void wake_readers(ExchangeState& state) noexcept {
    state.reader.wake();
    if (std::binary_semaphore* blocked = std::exchange(state.blocked_reader, nullptr)) {
        blocked->release();
    }
}

// Nobody waits for more of the answer.
void end(ExchangeObject& exchange) noexcept {
    exchange.head.is_gone = true;
    exchange.state->body = nullptr;
    wake_readers(*exchange.state);
    exchange.state->pieces.clear();
    exchange.state->queued_bytes = 0;
    wake_writers(*exchange.state);
    for (Waiter& closer : std::exchange(exchange.state->closers, {})) {
        closer.wake();
    }
}

// Ends the exchange when the coroutine that has it ends, however that is.
class Ending {
public:
    Ending(Engine& engine, ExchangeObject& exchange) noexcept : engine_(engine), exchange_(exchange) {}
    ~Ending() {
        if (is_on_) {
            const GilScope gil{engine_.gil()};
            end(exchange_);
        }
    }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

    void cancel() noexcept { is_on_ = false; }

private:
    Engine& engine_;
    ExchangeObject& exchange_;
    bool is_on_ = true;
};

// Waits until Python has done something. A thread may do it until this has the GIL, and afterwards.
Task<> wait_for_python(Engine& engine, ExchangeState& state) {
    engine.take_gil();
    if (state.response || !state.pieces.empty() || state.is_finished || state.is_aborted) {
        co_return;
    }
    Wake wake;
    state.loop = &wake;
    try {
        co_await wake;
    } catch (...) {
        state.loop = nullptr;
        throw;
    }
    state.loop = nullptr;
}

// From now on nobody reads the request's body.
Task<> end_reading(Engine& engine, ExchangeState& state) {
    engine.take_gil();
    state.body = nullptr;
    state.reads.stop();
    co_await state.reads.join();
    engine.take_gil();
}

Task<> send_pieces(Engine& engine, ExchangeState& state, BodyWriter& body) {
    while (true) {
        engine.take_gil();
        while (!state.pieces.empty()) {
            Task<> written = body.write(bytes_of(state.pieces.front().get()));
            state.queued_bytes -= static_cast<std::size_t>(PyBytes_GET_SIZE(state.pieces.front().get()));
            state.pieces.pop_front();
            if (state.queued_bytes <= kMostQueuedBytes / 2) {
                wake_writers(state);
            }
            co_await std::move(written);
            engine.take_gil();
        }
        if (state.is_aborted) {
            throw ViewFailed{};
        }
        if (state.is_finished) {
            co_return;
        }
        co_await wait_for_python(engine, state);
    }
}

Task<> send_body(Engine& engine, std::shared_ptr<ExchangeObject> exchange, BodyWriter& body) {
    const Ending ending{engine, *exchange};
    std::exception_ptr failure;
    try {
        co_await send_pieces(engine, *exchange->state, body);
    } catch (...) {
        failure = std::current_exception();
    }
    co_await end_reading(engine, *exchange->state);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

// Whether the answer to `method` has a body on the wire (RFC 9110, 6.4.1).
bool has_body(PyObject* method, int status) {
    return status != 204 && status != 205 && status != 304 && PyUnicode_CompareWithASCIIString(method, "HEAD") != 0;
}

Task<Response> answer(Engine& engine, std::shared_ptr<ExchangeObject> exchange, BodyReader& body) {
    Ending ending{engine, *exchange};
    engine.take_gil();
    ExchangeState& state = *exchange->state;
    body.limit(engine.max_body_bytes());
    state.body = &body;
    state.is_body_read = body.content_length() == std::uint64_t{0};
    state.is_new = true;
    const bool is_taken = notify(engine, name::on_request, exchange.get());
    state.is_new = false;
    engine.end_child();
    if (!is_taken && !state.is_answered) {
        state.is_answered = true;
        state.response = Response::text("Internal Server Error\n", 500);
    }
    bool is_stopped = false;
    if (!state.response) {
        try {
            co_await wait_for_python(engine, state);
        } catch (const Stopped&) {  // the client has gone
            is_stopped = true;
        }
    }
    engine.take_gil();
    internal::TaskPromise& me = co_await internal::this_task();
    is_stopped = is_stopped || me.scope().stop_requested();  // nobody would start the stream
    const bool is_streamed =
        !is_stopped && state.is_streamed && has_body(exchange->head.method, state.response->status);
    if (!is_streamed) {
        state.body = nullptr;
        if (state.reads.size() > 0) {
            co_await end_reading(engine, state);
        }
    }
    if (is_stopped) {
        throw Stopped{};
    }
    Response response = std::move(*state.response);
    state.response.reset();
    if (is_streamed) {
        ending.cancel();
        response.body_stream = [&engine, exchange](BodyWriter& writer) { return send_body(engine, exchange, writer); };
    } else if (state.is_streamed) {
        state.drops_pieces = true;
        response.body_stream = [](BodyWriter&) { return Task<>{}; };
    }
    co_return response;
}

}  // namespace

Task<Response> answer(Engine& engine, Ref<ExchangeObject> exchange, BodyReader& body) {
    return answer(engine, kept(engine, std::move(exchange)), body);
}

Ref<ExchangeObject> make_exchange(Engine& engine, const Request& request) {
    auto* made = reinterpret_cast<ExchangeObject*>(owned(exchange_type->tp_alloc(exchange_type, 0)).release());
    Ref<ExchangeObject> exchange{made};
    new (&made->state) std::unique_ptr<ExchangeState>{std::make_unique<ExchangeState>()};
    fill_head(made->head, engine, request);
    return exchange;
}

// ---- From Python

namespace {

// Calls `work(self)` in a coming turn of the loop, with the GIL. Returns false if the server has ended.
bool on_loop(ExchangeObject& self, void (*work)(ExchangeObject&)) {
    Engine& engine = *self.head.engine;
    if (!engine.is_running()) {
        return false;
    }
    ExchangeObject* const lent = shared(&self).release();
    const bool is_posted = engine.server().post([lent, work, &engine] {
        engine.take_gil();
        const Ref<ExchangeObject> exchange{lent};
        work(*exchange);
    });
    if (!is_posted) {
        Py_DECREF(reinterpret_cast<PyObject*>(lent));
    }
    return is_posted;
}

void wake_loop(ExchangeObject& self) {
    ExchangeState& state = *self.state;
    Engine& engine = *self.head.engine;
    if (engine.is_on_thread()) {
        if (state.loop != nullptr) {
            state.loop->wake();
        }
        return;
    }
    if (!std::exchange(state.is_wake_posted, true)) {
        on_loop(self, [](ExchangeObject& woken) {
            woken.state->is_wake_posted = false;
            if (woken.state->loop != nullptr) {
                woken.state->loop->wake();
            }
        });
    }
}

void give_response(ExchangeObject& self, Response response) {
    self.head.engine->require_own_process();
    ExchangeState& state = *self.state;
    if (!state.body_failure.empty()) {
        return;  // the client has the answer that says so
    }
    if (state.is_answered) {
        raise(PyExc_RuntimeError, "the request has been answered already");
    }
    state.is_answered = true;
    if (!self.head.is_gone) {
        state.response = std::move(response);
        wake_loop(self);
    }
}

PyObject* respond(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"status", "headers", "body", nullptr};
    int status = 0;
    PyObject* headers = nullptr;
    const char* body = "";
    Py_ssize_t size = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "i|Oy#:respond", const_cast<char**>(names), &status, &headers,
                                    &body, &size) == 0) {
        return nullptr;
    }
    return returns([&] {
        give_response(self_of(object), to_response(status, headers, {body, static_cast<std::size_t>(size)}));
    });
}

std::optional<std::size_t> content_length(const Headers& headers) {
    const std::optional<std::string_view> text = headers.get("Content-Length");
    if (!text || text->empty() || text->find_first_not_of("0123456789") != std::string_view::npos ||
        text->size() > 18) {
        return std::nullopt;
    }
    return std::stoull(std::string{*text});
}

PyObject* start(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"status", "headers", nullptr};
    int status = 0;
    PyObject* headers = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "i|O:start", const_cast<char**>(names), &status, &headers) == 0) {
        return nullptr;
    }
    return returns([&] {
        ExchangeObject& self = self_of(object);
        Response response = to_response(status, headers, {});
        response.stream_bytes = content_length(response.headers);
        if (self.state->is_answered) {
            raise(PyExc_RuntimeError, "the request has been answered already");
        }
        self.state->is_streamed = true;
        give_response(self, std::move(response));
    });
}

// Returns whether there was room.
bool queue_piece(ExchangeObject& self, PyObject* data) {
    self.head.engine->require_own_process();
    ExchangeState& state = *self.state;
    if (!state.is_streamed || state.is_finished) {
        raise(PyExc_RuntimeError, "write() comes after start() and before finish()");
    }
    if (state.drops_pieces) {
        return true;
    }
    if (self.head.is_gone) {
        raise(connection_closed, "the client has gone");
    }
    if (PyBytes_Check(data) == 0) {
        PyErr_Format(PyExc_TypeError, "write() takes bytes, not %.100s", Py_TYPE(data)->tp_name);
        throw ErrorSet{};
    }
    if (PyBytes_GET_SIZE(data) > 0) {
        state.pieces.push_back(shared(data));
        state.queued_bytes += static_cast<std::size_t>(PyBytes_GET_SIZE(data));
        wake_loop(self);
    }
    return state.queued_bytes <= kMostQueuedBytes;
}

Poll poll_room(Awaitable& awaitable) {
    ExchangeObject& self = owner_of(awaitable);
    if (self.head.is_gone) {
        raise(connection_closed, "the client has gone");
    }
    if (self.state->queued_bytes <= kMostQueuedBytes) {
        return {Poll::State::kReady, none()};
    }
    return self.state->writers.emplace_back(*self.head.engine).poll();
}

PyObject* write(PyObject* object, PyObject* data) {
    return returns([&] { return queue_piece(self_of(object), data) ? ready() : make_awaitable(object, &poll_room); });
}

PyObject* write_blocking(PyObject* object, PyObject* data) {
    return returns([&] {
        ExchangeObject& self = self_of(object);
        if (self.head.engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "write_blocking() would block the event loop: await write()");
        }
        if (queue_piece(self, data)) {
            return;
        }
        if (self.state->blocked_writer != nullptr) {
            raise(PyExc_RuntimeError, "another thread is in write_blocking()");
        }
        std::binary_semaphore room{0};
        self.state->blocked_writer = &room;
        wait_without_gil(room);
        if (self.head.is_gone) {
            raise(connection_closed, "the client has gone");
        }
    });
}

PyObject* abort(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        ExchangeObject& self = self_of(object);
        self.head.engine->require_own_process();
        if (!self.state->is_answered) {
            give_response(self, Response::text("Internal Server Error\n", 500));
        } else if (!self.state->is_finished) {
            self.state->is_aborted = true;
            wake_loop(self);
        }
    });
}

PyObject* finish(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        ExchangeObject& self = self_of(object);
        self.head.engine->require_own_process();
        if (!self.state->is_streamed) {
            raise(PyExc_RuntimeError, "finish() comes after start()");
        }
        self.state->is_finished = true;
        wake_loop(self);
    });
}

// ---- The body of the request

Task<> read_piece(Engine& engine, Kept<ExchangeObject> exchange) {
    ExchangeState& state = *exchange->state;
    std::string piece;
    std::string failure;
    int status = 0;
    try {
        if (state.body == nullptr) {  // the answer was complete before this began
            throw Stopped{};
        }
        piece = co_await state.body->read();
    } catch (const BodyError& error) {
        failure = error.what();
        status = error.status();
    } catch (const Stopped&) {
        failure = "the request has its answer, or the client has gone";
    }
    engine.take_gil();
    state.is_reading = false;
    if (status != 0 && !state.is_answered) {
        give_response(*exchange, Response::text(failure + '\n', status));
    }
    state.body_failure = std::move(failure);
    try {
        state.piece = to_bytes(piece);
    } catch (const ErrorSet&) {
        PyErr_Clear();
        state.body_failure = "out of memory";
    }
    wake_readers(state);
}

// Thread: the loop's.
void start_reading(ExchangeObject& self) {
    ExchangeState& state = *self.state;
    if (state.body == nullptr) {
        wake_readers(state);
    } else if (!std::exchange(state.is_reading, true)) {
        Engine& engine = *self.head.engine;
        state.reads.spawn(read_piece(engine, kept(engine, shared(&self))));
    }
}

// Returns a piece if there is one, and empty if somebody has to wait for it.
Ref<> take_piece(ExchangeObject& self) {
    ExchangeState& state = *self.state;
    if (!state.body_failure.empty()) {
        raise(connection_closed, state.body_failure.c_str());
    }
    if (state.piece) {
        state.is_body_read = PyBytes_GET_SIZE(state.piece.get()) == 0;
        return std::exchange(state.piece, {});
    }
    if (state.is_body_read) {
        return to_bytes({});
    }
    if (state.body == nullptr) {
        raise(connection_closed, "the request has its answer, or the client has gone");
    }
    return {};
}

void require_alone(const ExchangeState& state) {
    if (state.blocked_reader != nullptr || (state.reader && !state.reader.is_abandoned())) {
        raise(PyExc_RuntimeError, "another read() is pending");
    }
}

Poll poll_body(Awaitable& awaitable) {
    ExchangeObject& self = owner_of(awaitable);
    if (Ref<> piece = take_piece(self)) {
        return {Poll::State::kReady, std::move(piece)};
    }
    require_alone(*self.state);
    self.state->reader = Waiter{*self.head.engine};
    start_reading(self);
    return self.state->reader.poll();
}

PyObject* read(PyObject* object, PyObject* /*unused*/) {
    return returns([&] {
        self_of(object).head.engine->require_own_process();
        if (!self_of(object).head.engine->is_on_thread()) {
            raise(PyExc_RuntimeError, "read() belongs to the thread of the event loop: use read_blocking()");
        }
        return make_awaitable(object, &poll_body);
    });
}

PyObject* read_blocking(PyObject* object, PyObject* /*unused*/) {
    return returns([&]() -> Ref<> {
        ExchangeObject& self = self_of(object);
        Engine& engine = *self.head.engine;
        engine.require_own_process();
        if (Ref<> piece = take_piece(self)) {
            return piece;
        }
        if (engine.is_on_thread()) {
            raise(PyExc_RuntimeError, "read_blocking() would block the event loop: await read()");
        }
        require_alone(*self.state);
        if (!on_loop(self, &start_reading)) {
            raise(connection_closed, "the server has ended");
        }
        std::binary_semaphore arrival{0};
        self.state->blocked_reader = &arrival;  // the loop needs the GIL to see it
        wait_without_gil(arrival);
        Ref<> piece = take_piece(self);
        if (!piece) {
            raise(connection_closed, "the request has its answer, or the client has gone");
        }
        return piece;
    });
}

Poll poll_end(Awaitable& awaitable) {
    ExchangeObject& self = owner_of(awaitable);
    if (self.head.is_gone) {
        return {Poll::State::kReady, none()};
    }
    std::erase_if(self.state->closers, [](const Waiter& closer) { return closer.is_abandoned(); });
    return self.state->closers.emplace_back(*self.head.engine).poll();
}

PyObject* closed(PyObject* object, PyObject* /*unused*/) {
    return returns([&] { return make_awaitable(object, &poll_end); });
}

// Drives a coroutine that answers. Whoever sees its failure has written it to catch what it should.
Task<> run_beside(Engine& engine, Kept<TaskObject> task) {
    try {
        co_await drive(engine, nullptr, *task, {});
    } catch (const ViewFailed&) {  // the application knows
    }
}

PyObject* run(PyObject* object, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"coroutine", "context", nullptr};
    PyObject* coroutine = nullptr;
    PyObject* context = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O|$O:run", const_cast<char**>(names), &coroutine, &context) == 0) {
        return nullptr;
    }
    return returns([&] {
        Engine& engine = *self_of(object).head.engine;
        engine.require_own_process();
        if (!engine.is_on_thread()) {
            raise(PyExc_RuntimeError, "run() belongs to the thread of the event loop");
        }
        Ref<TaskObject> task = make_task();
        task->ends_by_itself = true;
        give_coroutine(*task, coroutine, context);
        const bool may_begin = self_of(object).state->is_new && running_task() == nullptr;
        if (may_begin && begin(engine, *task)) {
            return;
        }
        engine.server().spawn(run_beside(engine, kept(engine, std::move(task))));
    });
}

// ---- The type

void deallocate(PyObject* object) {
    ExchangeObject& self = self_of(object);
    PyObject_ClearWeakRefs(object);
    self.state.~unique_ptr();
    clear_head(self.head);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"read", read, METH_NOARGS,
     "read($self)\n--\n\nReturns the next piece of the request's body; b'' at its end.\n\n"
     "Raises ConnectionClosed if the client has gone or the body is too large, and RuntimeError while another "
     "read()\nis pending.\n\n"
     "    while piece := await exchange.read():"},
    {"read_blocking", read_blocking, METH_NOARGS,
     "read_blocking($self)\n--\n\nread() for a thread that may block.\n\nRaises RuntimeError on the thread of the "
     "event loop, else as read()."},
    {"respond", method(respond), METH_VARARGS | METH_KEYWORDS,
     "respond($self, status, headers=(), body=b'')\n--\n\nAnswers with a whole response. Thread: any.\n\n"
     "Raises ValueError unless the status is from 200 to 599, TypeError for headers that are no pairs of bytes, and\n"
     "RuntimeError for a second answer.\n\n"
     "    exchange.respond(200, [(b'content-type', b'text/plain')], b'hello')"},
    {"start", method(start), METH_VARARGS | METH_KEYWORDS,
     "start($self, status, headers=())\n--\n\nBegins a streamed response, of which write() and finish() send the body. "
     "Thread: any.\n\n"
     "Raises as respond()."},
    {"write", write, METH_O,
     "write($self, data, /)\n--\n\nSends a piece of the body. Await the result to wait while the client is behind.\n\n"
     "Raises ConnectionClosed if the client has gone, TypeError for anything but bytes, and RuntimeError before\n"
     "start() and after finish()."},
    {"write_blocking", write_blocking, METH_O,
     "write_blocking($self, data, /)\n--\n\nwrite() for a thread that may block.\n\nRaises RuntimeError on the thread "
     "of the event loop, else as write()."},
    {"finish", finish, METH_NOARGS,
     "finish($self)\n--\n\nThe streamed body is whole. Thread: any.\n\nRaises RuntimeError before start()."},
    {"abort", abort, METH_NOARGS,
     "abort($self)\n--\n\nThe answer cannot be completed: cuts the connection, or answers with 500 if nothing has been "
     "sent."},
    {"closed", closed, METH_NOARGS, "closed($self)\n--\n\nWaits until the client has gone, or has its answer."},
    {"run", method(run), METH_VARARGS | METH_KEYWORDS,
     "run($self, coroutine, *, context=None)\n--\n\nDrives `coroutine`, which answers, on the event loop. In "
     "on_request(), it begins before this returns.\n\n"
     "Raises TypeError if it is no coroutine, and RuntimeError on another thread."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("An HTTP request and its answer, which any thread may give.")},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Exchange", sizeof(ExchangeObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

}  // namespace

bool add_exchange_type(PyObject* module) {
    const Ref<> bases{PyTuple_Pack(1, head_type)};
    exchange_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases.get()));
    return exchange_type != nullptr && PyModule_AddType(module, exchange_type) == 0;
}

}  // namespace c10k::python
