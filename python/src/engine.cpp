#include "engine.hpp"

#include "c10k/descriptor.hpp"
#include "exchange.hpp"
#include "handshake.hpp"
#include "module.hpp"
#include "task.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <new>
#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace c10k::python {
namespace {

constexpr std::chrono::milliseconds kInterval{10};
// After shutdown_time the server cuts the connections: how long their views may take to clean up.
constexpr std::chrono::milliseconds kMercyTime{1'000};

std::atomic<unsigned> fork_count{0};

bool was_told(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const ViewFailed&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace

Engine::Engine(PyObject* application, PyObject* loop, const Settings& settings)
    : application_(application), loop_(loop), max_body_bytes_(settings.max_body_bytes),
      shutdown_time_(settings.shutdown_time), server_(std::make_unique<EmbeddedServer>(*this, settings)) {}

unsigned Engine::forks() noexcept {
    static const int counting = ::pthread_atfork(nullptr, nullptr, [] { ++fork_count; });
    static_cast<void>(counting);
    return fork_count.load(std::memory_order_relaxed);
}

void Engine::require_own_process() const {
    if (is_in_child()) {
        raise(PyExc_RuntimeError,
              "this process is a fork of the server's, whose sockets only that one may use: start "
              "programs with subprocess, and workers with multiprocessing's \"spawn\"");
    }
}

void Engine::end_child() const noexcept {
    if (is_in_child()) {
        constexpr std::string_view kText =
            "c10k: a fork of the server's process has come back into the server's loop, and is ended: the sockets are "
            "its parent's. Start programs with subprocess, and workers with multiprocessing's \"spawn\".\n";
        static_cast<void>(::write(STDERR_FILENO, kText.data(), kText.size()) < 0);
        ::_exit(1);
    }
}

Engine::~Engine() {
    if (is_running_ && !is_on_thread()) {
        static_cast<void>(server_.release());  // its thread has ended without close(), and so has its loop
    }
}

void Engine::close() {
    if (!is_running_.exchange(false)) {  // with the GIL: no other thread is between a look at it and its use
        return;
    }
    lose_patience();
    gil_.release();
    delete server_.get();
    static_cast<void>(server_.release());
    gil_.acquire();
    interrupt_.reset();
}

bool Engine::run_turn(std::optional<std::chrono::milliseconds> longest) {
    // Once the server stops, asyncio's descriptors are looked at in short intervals.
    is_watched_readable_ = is_watch_over_;
    if (is_watch_over_) {
        longest = std::min(longest.value_or(kInterval), kInterval);
    }
    if (deadline_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
        if (left <= std::chrono::milliseconds::zero()) {
            deadline_.reset();
            lose_patience();
        } else {
            longest = std::min(longest.value_or(left), left);
        }
    }
    turns_.store(turns() + 1, std::memory_order_relaxed);
    gil_.release();
    try {
        server_->run_turn(longest);
    } catch (...) {
        gil_.acquire();
        throw;
    }
    gil_.acquire();
    if (const Ref<> failure = std::exchange(interrupt_, {})) {
        PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.get())), failure.get());
        throw ErrorSet{};
    }
    return is_watched_readable_;
}

void Engine::interrupt(Ref<> failure) noexcept {
    if (!interrupt_) {
        interrupt_ = std::move(failure);
    }
    if (is_running()) {
        server_->wake();
    }
}

void Engine::watch(int descriptor) { server().spawn(watch_again_and_again(descriptor)); }

Task<> Engine::watch_again_and_again(int descriptor) {
    try {
        while (true) {
            co_await readable(descriptor);
            is_watched_readable_ = true;
        }
    } catch (const Stopped&) {
        is_watch_over_ = true;
    }
}

void Engine::stop(const StopOptions& options) {
    server().stop(options);
    if (!deadline_ && !is_out_of_patience_) {
        deadline_ = std::chrono::steady_clock::now() + options.grace + shutdown_time_ + kMercyTime;
    }
    if (options.grace > std::chrono::milliseconds::zero()) {
        server().spawn(cancel_after(options.grace));
    } else {
        cancel_views();
    }
}

Task<> Engine::cancel_after(std::chrono::milliseconds grace) {
    co_await sleep_for(grace);
    take_gil();
    cancel_views();
}

void Engine::cancel_views() noexcept {
    for (TaskObject* task = first_task_; task != nullptr;) {
        TaskObject* next = task->next;
        if (task->wait == nullptr && !task->ends_by_itself) {  // the others see that the WebSocket has closed
            try {
                cancel(*task, nullptr);
            } catch (const ErrorSet&) {
                report_unraisable(task->coroutine);
            }
        }
        task = next;
    }
}

void Engine::lose_patience() noexcept {
    is_out_of_patience_ = true;
    for (TaskObject* task = first_task_; task != nullptr; task = task->next) {
        if (task->is_stopped) {
            wake(*task);
        }
    }
}

void Engine::add(TaskObject& task) noexcept {
    task.next = first_task_;
    if (first_task_ != nullptr) {
        first_task_->link = &task.next;
    }
    task.link = &first_task_;
    first_task_ = &task;
}

void Engine::remove(TaskObject& task) noexcept {
    *task.link = task.next;
    if (task.next != nullptr) {
        task.next->link = task.link;
    }
    task.next = nullptr;
    task.link = nullptr;
}

Task<Response> Engine::respond(Request& request, BodyReader& body) {
    take_gil();
    try {
        return answer(*this, make_exchange(*this, request), body);
    } catch (const ErrorSet&) {
        report_unraisable(application_);
        throw std::bad_alloc{};
    }
}

Task<> Engine::serve(WebSocket& socket) {
    take_gil();
    try {
        Ref<WebSocketObject> websocket = make_websocket(*this, socket);
        WebSocketObject& opened = *websocket;
        Ref<TaskObject> task = make_task();
        task->websocket = &opened;
        opened.task = task.release();
        return drive(*this, kept(*this, std::move(websocket)), *opened.task, open(*this, opened));
    } catch (const ErrorSet&) {
        report_unraisable(application_);
        throw std::bad_alloc{};
    }
}

Response Engine::on_failed(const Request& request, std::exception_ptr failure) {
    return was_told(failure) ? Response::text("Internal Server Error\n", 500)
                             : EmbeddedApplication::on_failed(request, std::move(failure));
}

std::uint16_t Engine::on_websocket_failed(std::exception_ptr failure) {
    return was_told(failure) ? CloseCode::kInternalError : EmbeddedApplication::on_websocket_failed(std::move(failure));
}

void Engine::on_log(LogLevel level, std::string_view line) {
    const GilScope gil{gil_};
    try {
        const Ref<> number = owned(PyLong_FromLong(10 * (static_cast<long>(level) + 1)));  // as in the module logging
        const Ref<> text = to_text(line);
        notify(*this, name::on_log, number.get(), text.get());
    } catch (const ErrorSet&) {
        report_unraisable(application_);
    }
}

}  // namespace c10k::python
