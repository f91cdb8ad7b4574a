#pragma once

#include "c10k/embed.hpp"
#include "c10k/internal/require.hpp"
#include "c10k/settings.hpp"
#include "gil.hpp"
#include "python.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace c10k::python {

struct TaskObject;

// A view has failed, and the application knows it.
struct ViewFailed {};

// The embedded server, as Python's loop and views use it. It is counted: objects of Python keep it as long as they
// may ask it for something, also when its server is closed. Thread: the one that made it, unless a function says
// otherwise.
class Engine final : public EmbeddedApplication, public std::enable_shared_from_this<Engine> {
public:
    // `application` and asyncio's `loop` outlive the engine.
    Engine(PyObject* application, PyObject* loop, const Settings& settings);

    ~Engine() override;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Ends whatever is left at once. The caller has the GIL.
    void close();
    // Thread: any.
    [[nodiscard]] bool is_running() const noexcept { return is_running_ && !is_in_child(); }

    // This process is a child of fork(), which has a copy of the engine, and shares its sockets with the parent.
    [[nodiscard]] bool is_in_child() const noexcept { return forks_ != forks(); }
    // A child must not touch the engine. Throws ErrorSet (RuntimeError) there.
    void require_own_process() const;
    // A child has come back into the loop: says what is wrong, and ends it.
    void end_child() const noexcept;

    // One turn without the GIL, which the caller has. Returns whether the descriptor of watch() was readable. Throws
    // ErrorSet with what interrupt() was given.
    bool run_turn(std::optional<std::chrono::milliseconds> longest);
    // Takes the GIL for the rest of the views' part of the turn. Outside of turns, the caller has it.
    void take_gil() {
        if (gil_.acquire()) {
            server_->at_end_of_turn();
        }
    }
    // Ends the sleep of run_turn() also when `descriptor` is readable. There is one.
    void watch(int descriptor);
    // Code of Python has raised KeyboardInterrupt or SystemExit: run_turn() raises it once more, at its end.
    void interrupt(Ref<> failure) noexcept;
    // Closes all WebSockets, and cancels the views that wait for something else. Soon after shutdown_time(), closes the
    // coroutines that have ignored that.
    void stop(const StopOptions& options);
    // A coroutine that has been asked to end, and still waits for something, is closed.
    [[nodiscard]] bool is_out_of_patience() const noexcept { return is_out_of_patience_; }

    // Throws std::logic_error if it is closed.
    [[nodiscard]] EmbeddedServer& server() {
        internal::require(is_running_, "the server is closed");
        return *server_;
    }
    [[nodiscard]] Gil& gil() noexcept { return gil_; }
    [[nodiscard]] PyObject* application() const noexcept { return application_; }
    [[nodiscard]] PyObject* loop() const noexcept { return loop_; }
    // Thread: any.
    [[nodiscard]] bool is_on_thread() const noexcept { return std::this_thread::get_id() == thread_ && !is_in_child(); }

    // Of a request. A larger one gets 413.
    [[nodiscard]] std::uint64_t max_body_bytes() const noexcept { return max_body_bytes_; }
    // How long connections and views may take to end.
    [[nodiscard]] std::chrono::milliseconds shutdown_time() const noexcept { return shutdown_time_; }
    // How many turns there were. Thread: any.
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }

    // The tasks that have not ended.
    void add(TaskObject& task) noexcept;
    static void remove(TaskObject& task) noexcept;

private:
    Task<> watch_again_and_again(int descriptor);
    Task<> cancel_after(std::chrono::milliseconds grace);
    void cancel_views() noexcept;
    void lose_patience() noexcept;
    using EmbeddedApplication::respond;
    Task<Response> respond(Request& request, BodyReader& body) override;
    [[nodiscard]] bool reads_body(const Request& /*request*/) override { return true; }
    Task<> serve(WebSocket& socket) override;
    Response on_failed(const Request& request, std::exception_ptr failure) override;
    std::uint16_t on_websocket_failed(std::exception_ptr failure) override;
    void on_end_of_turn() noexcept override {
        end_child();
        gil_.release();
    }
    void on_log(LogLevel level, std::string_view line) override;

    // How many forks lie between the first process and this one. Thread: any.
    [[nodiscard]] static unsigned forks() noexcept;

    PyObject* application_;
    PyObject* loop_;
    unsigned forks_ = forks();
    std::uint64_t max_body_bytes_;
    std::chrono::milliseconds shutdown_time_;
    std::thread::id thread_ = std::this_thread::get_id();
    Gil gil_;
    TaskObject* first_task_ = nullptr;
    Ref<> interrupt_;
    bool is_watched_readable_ = false;
    bool is_watch_over_ = false;
    std::optional<std::chrono::steady_clock::time_point> deadline_;  // of a stop
    bool is_out_of_patience_ = false;
    std::atomic<std::uint64_t> turns_{0};
    // Stays while close() destroys it, since the last views need it.
    std::unique_ptr<EmbeddedServer> server_;
    std::atomic<bool> is_running_{true};
};

// Whether an exception ends the event loop, as asyncio has it: KeyboardInterrupt or SystemExit.
[[nodiscard]] inline bool ends_loop(PyObject* failure) noexcept {
    return PyErr_GivenExceptionMatches(failure, PyExc_KeyboardInterrupt) != 0 ||
           PyErr_GivenExceptionMatches(failure, PyExc_SystemExit) != 0;
}

// Calls `method` of the application. Returns whether it has not failed. A failure is printed as unraisable, unless it
// ends the loop.
template <typename... Arguments>
bool notify(Engine& engine, PyObject* method, Arguments*... arguments) noexcept {
    PyObject* const values[] = {engine.application(), reinterpret_cast<PyObject*>(arguments)...};
    PyObject* result = outlive_interpreter(
        [&] { return PyObject_VectorcallMethod(method, values, sizeof...(arguments) + 1, nullptr); });
    if (result == nullptr) {
        if (ends_loop(PyErr_Occurred())) {
            engine.interrupt(take_error());
        } else {
            report_unraisable(method);
        }
    }
    Py_XDECREF(result);
    return result != nullptr;
}

template <typename Object>
Kept<Object> kept(Engine& engine, Ref<Object> object) {
    return {object.release(), DropWithGil{&engine.gil()}};
}

}  // namespace c10k::python
