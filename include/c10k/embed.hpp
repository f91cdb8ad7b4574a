#pragma once

#include "c10k/body_reader.hpp"
#include "c10k/close_code.hpp"
#include "c10k/groups.hpp"
#include "c10k/http.hpp"
#include "c10k/metrics.hpp"
#include "c10k/settings.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// A server inside a program that has a main loop of its own, such as a game, a graphical interface or an interpreter.
// Everybody else calls serve() or manage().
namespace c10k {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// The application behind an EmbeddedServer: it answers the requests, and runs the WebSockets. It finds its way from a
// path to a view by itself. The server checks neither Host nor Origin beyond their syntax: an application that browsers
// reach compares both with what it knows, or foreign pages may talk to it (RFC 6455, 10.2).
//
// Thread: the server calls all of it from EmbeddedServer::run_turn() and from the destructor, so no call may block.
class EmbeddedApplication {
public:
    virtual ~EmbeddedApplication() = default;

    // Answers a request that opens no WebSocket, and has come whole. `request` lives until the answer is complete.
    // Stops if the client goes.
    virtual Task<Response> respond(Request& request);
    // Answers a request of which the head has come, and perhaps more: `body` gives the rest, also if there is none. An
    // application overrides this one, the other one, or both; by default each throws std::logic_error.
    virtual Task<Response> respond(Request& request, BodyReader& body);
    // Which of the two answers: the second if it is true. Called again before it if the request has a body.
    [[nodiscard]] virtual bool reads_body(const Request& /*request*/) { return false; }
    // The view of each WebSocket. It begins with the handshake, which it accepts or refuses, and the WebSocket closes
    // when it ends. The server itself refuses handshakes that RFC 6455, 4.2.1 forbids.
    virtual Task<> serve(WebSocket& socket) = 0;

    // respond() has failed, or serve() has before it answered. The response goes out instead, unless a stream has
    // begun. By default, the exceptions of c10k/errors.hpp become their status; others are logged, and become 500.
    virtual Response on_failed(const Request& request, std::exception_ptr failure);
    // serve() has failed. Returns the close code that the peer gets. By default, an exception that blames the client
    // becomes 1008; others are logged, and become 1011.
    virtual std::uint16_t on_websocket_failed(std::exception_ptr failure);
    // The answer to bytes of `peer` that are no request, or that a limit refuses. By default, `reason` as plain text.
    virtual Response on_refused(std::string_view peer, int status, std::string_view reason);

    // An answer goes out; of a streamed one, its head. A handshake that is refused comes here, too.
    virtual void on_answered(const Request& /*request*/, const Response& /*response*/) {}
    // The WebSocket is open. Its view runs, and ends before or after on_websocket_closed().
    virtual void on_websocket_opened(WebSocket& /*socket*/, const Request& /*request*/) {}
    // It has closed. `socket` is that of on_websocket_opened(), of which only close_info() is left.
    virtual void on_websocket_closed(WebSocket& /*socket*/) {}
    // The turn's tasks have run, and the loop sends next: see EmbeddedServer::at_end_of_turn().
    virtual void on_end_of_turn() noexcept {}
    // A line of the server's log, without control characters. By default, it goes to standard error.
    virtual void on_log(LogLevel level, std::string_view line);
};

// How an EmbeddedServer stops.
struct StopOptions {
    // Of the WebSockets: 1001, or 1012 if the program starts again at once.
    std::uint16_t code = CloseCode::kGoingAway;
    std::string reason = "the server is shutting down";
    // How long views may go on before that, and connections wait for a last request.
    std::chrono::milliseconds grace{0};
};

// A loop with a server, which moves only while its owner calls run_turn(). It installs no signal handlers, prints
// nothing but its log, and ends neither threads nor the process:
//
//     c10k::EmbeddedServer server{application};
//     server.listen("127.0.0.1", 8000);
//     while (is_wanted) {
//         server.run_turn(time_until_next_frame());
//         draw_frame();
//     }
//
// Thread: that which made it, unless a function says otherwise; others throw std::logic_error. A thread has one at a
// time. It may be in any thread of the program.
class EmbeddedServer {
public:
    // With the backend, TLS, limits, compression and proxies of the settings; `host`, `port`, `workers`, `debug` and
    // the lists of hosts, origins and folders mean nothing here. `application` outlives the server. Throws
    // std::invalid_argument if there is no such backend, and std::runtime_error with a text for a user if this kernel
    // does not allow it, or a certificate is not good.
    // Requires: no loop runs on this thread. Throws std::logic_error otherwise.
    explicit EmbeddedServer(EmbeddedApplication& application, const Settings& settings = {});
    // Unless it has stopped, ends all connections at once, asks all views and tasks to stop, and waits for them.
    ~EmbeddedServer();
    EmbeddedServer(const EmbeddedServer&) = delete;
    EmbeddedServer& operator=(const EmbeddedServer&) = delete;

    // Listens on all addresses of `host`, which is as the setting of that name; "unix:PATH" has no port. Returns the
    // first address as text, in which port 0 has become a real one. May be called again. Throws std::system_error if
    // the kernel refuses, and std::runtime_error, which that is, if there is no such host.
    std::string listen(std::string_view host, std::uint16_t port);
    // Listens on a duplicate of `descriptor`, a listening TCP or unix socket, which stays the caller's. Other processes
    // may listen on it, too. Makes it blocking or not, as the backend needs it. Throws std::system_error.
    std::string listen_on(int descriptor);

    // One turn: receives, runs the tasks that can go on, and sends. With nothing to do, it sleeps until something
    // happens, wake() is called or `longest` is over (nullopt: for ever). Returns whether there is more to do already:
    // then the caller should call again soon, and not sleep before. Sleep nowhere else: what happens there waits,
    // unless it is a wake() or a post() from another thread that the caller looks at itself. To wait for other
    // descriptors, spawn() a task for each that awaits readable() or writable() (c10k/descriptor.hpp). Requires: no
    // turn is in progress. Throws std::logic_error otherwise, and whatever else no handler expects.
    bool run_turn(std::optional<std::chrono::milliseconds> longest = {});
    // Has EmbeddedApplication::on_end_of_turn() called at the end of this turn, or of the next one outside of turns:
    // once, however often this is called. For something that is taken when the first task of a turn needs it, and given
    // back for the time in which the kernel works, such as an interpreter's lock.
    void at_end_of_turn();

    // Begins to end: accepts no more connections, closes the WebSockets, lets requests that run finish, and cuts what
    // is left after the setting shutdown_time; then stops the tasks of spawn(). Goes on in run_turn(). Does nothing if
    // it has begun. Requires: as for WebSocket::close(). Throws std::invalid_argument otherwise.
    void stop(const StopOptions& options = {});
    // All that stop() began has ended.
    [[nodiscard]] bool is_stopped() const noexcept;

    // Ends the sleep of the run_turn() in progress, or of the next one. Thread: any; also from a signal handler.
    void wake() noexcept;
    // Calls `call()` in one of the next turns. An exception is logged. Returns false if the server is being destroyed.
    // Thread: any.
    bool post(std::function<void()> call);
    // Runs a task beside the views. If it fails, the log says so; when the server stops, it is asked to stop. Throws
    // std::logic_error if the task was started before, or the server has stopped.
    void spawn(Task<> task);

    [[nodiscard]] Groups& groups() noexcept;
    // How many connections are open, and how many of them are WebSockets or their handshakes.
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] std::size_t websockets() const noexcept;
    // What the server counts. Thread: any.
    [[nodiscard]] const Metrics& metrics() const noexcept;
    // "epoll" or "io_uring".
    [[nodiscard]] std::string_view backend() const noexcept;

private:
    class Engine;

    std::unique_ptr<Engine> engine_;
};

}  // namespace c10k
