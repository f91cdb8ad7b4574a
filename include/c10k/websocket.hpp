#pragma once

#include "c10k/close_code.hpp"
#include "c10k/http.hpp"
#include "c10k/message.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket_handle.hpp"

#include <coroutine>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {

class WebSocketConnection;

// send() throws this when the connection is closed or lost. A view may let it pass: the library ends the view silently.
class ConnectionClosed : public std::runtime_error {
public:
    ConnectionClosed() : std::runtime_error("the WebSocket is closed") {}
};

// How the server treats a WebSocket that reads too slowly what groups and handles send, since these never wait.
//
// A WebSocket is too slow when it has had more than slow_bytes queued for slow_time, or has more than slow_limit_bytes
// queued at once. Messages that its own view sends with send() are never dropped.
enum class SlowMember : std::uint8_t {
    kClose,       // with 1013, so that nobody misses a message without knowing it
    kDropOldest,  // its oldest messages are dropped for the new one: for those who want the latest
    kDropNewest,  // the new message is not sent to it: for those who want an unbroken beginning
};

// How a view answers a handshake with 101.
struct AcceptOptions {
    // One that the client offers, or "" for none. Without it, the one that the route agrees on.
    std::optional<std::string> subprotocol = {};
    // More fields of the answer, such as Set-Cookie.
    Headers headers = {};
    // Without it, as the route says.
    std::optional<SlowMember> slow_member = {};
};

// A WebSocket (RFC 6455), either side, as a view sees it. You borrow one while your coroutine runs: when the view has
// ended, use neither the socket nor the awaiters that recv(), send() and closed() have returned. You may keep a
// handle() or a Membership.
//
// The library answers pings, joins fragments and finds dead peers without you.
// Thread: that of the view's loop. Others use handle().
class WebSocket {
public:
    class RecvAwaiter;
    class SendAwaiter;
    class ClosedAwaiter;

    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    // Takes the next whole message off the queue.
    //
    // Empty once the connection is closed, cleanly or not; close_info() then says why.
    // Fragments are joined and pings answered before you see anything.
    // Suspends until a message or the close arrives; stopping or interrupting the wait loses nothing.
    // Requires: no other recv() is pending on this socket. Throws std::logic_error otherwise, when it is awaited.
    [[nodiscard]] RecvAwaiter recv();
    // The next message if it is there already, and else nothing: it does not wait.
    // Requires: no recv() is pending on this socket. Throws std::logic_error otherwise.
    [[nodiscard]] std::optional<Message> try_recv();

    // Queues a message at once; awaiting it waits while more bytes are queued than the limit allows.
    // Throws ConnectionClosed if the socket is closed.
    [[nodiscard]] SendAwaiter send(const Message& message);
    // A text message. Requires: `text` is UTF-8, and the rest as for Message. Throws std::logic_error as that does.
    [[nodiscard]] SendAwaiter send(std::string_view text);
    [[nodiscard]] SendAwaiter send(const std::string& text);
    [[nodiscard]] SendAwaiter send(const char* text);

    // Queues a message at once and never waits, as handle().send() does: for code that cannot suspend. A peer that
    // stays too far behind meets what its route says of slow members. Returns whether the message is queued.
    bool deliver(const Message& message);
    // Whether awaiting a send() would wait now.
    [[nodiscard]] bool is_full() const noexcept;

    // Suspends until the connection is closed, by either side.
    [[nodiscard]] ClosedAwaiter closed();

    // Begins the closing handshake (RFC 6455, 7.1.2). Does nothing if the socket is closed.
    // Requires: `code` may be sent (RFC 6455, 7.4), and `reason` is UTF-8; it is cut to 123 bytes. Throws
    // std::invalid_argument otherwise.
    void close(std::uint16_t code = CloseCode::kNormal, std::string_view reason = {});

    // Answers the handshake with 101. recv() and send() do so by themselves: only a view that waits for something else
    // first has to call this. Does nothing if the handshake has been answered.
    void accept();
    // The same as `options` say. Does nothing if the peer has gone, or a handle or group has closed the socket.
    // Requires: you have not answered it, the client offers the subprotocol, and no field is one that the handshake
    // sets itself, or could end a line. Throws std::logic_error otherwise, and you may answer again.
    void accept(const AcceptOptions& options);
    // Answers the handshake with an HTTP status instead. Does nothing if the peer has gone, or a handle or group has
    // closed the socket. Requires: you have not answered it, and the status is one from 200 to 599. Throws
    // std::logic_error otherwise.
    void refuse(int status, std::string_view text = {});
    // The same with headers and a body, which is not streamed. Requires: as above, it has no body_stream, and to_bytes
    // takes its headers. Throws std::logic_error otherwise.
    void refuse(const Response& response);
    // The handshake's request, until you answer it, even if the peer goes meanwhile. Requires: you have not answered
    // it. Throws std::logic_error otherwise.
    [[nodiscard]] const Request& request() const;
    // The subprotocols that the client offers, in its order of preference. Lives and throws as request() does.
    [[nodiscard]] std::span<const std::string> offered_subprotocols() const;

    [[nodiscard]] bool is_open() const noexcept;
    // Requires: !is_open(). Not checked: until then it is that of a connection that was lost.
    [[nodiscard]] const CloseInfo& close_info() const noexcept;
    // The subprotocol that both sides have agreed on, or "" (RFC 6455, 1.9).
    [[nodiscard]] std::string_view subprotocol() const noexcept;
    // Whether both sides have agreed on compression (RFC 7692). Messages below its minimum size travel uncompressed all
    // the same.
    [[nodiscard]] bool is_compressed() const noexcept;
    [[nodiscard]] WebSocketHandle handle() const;

    // The library makes it.
    explicit WebSocket(WebSocketConnection& connection) noexcept : connection_(connection) {}

    // For the library.
    [[nodiscard]] WebSocketConnection& connection() noexcept { return connection_; }

private:
    WebSocketConnection& connection_;
};

class [[nodiscard]] WebSocket::RecvAwaiter final : public Awaiter {
public:
    explicit RecvAwaiter(WebSocketConnection& connection) noexcept : connection_(connection) {}
    [[nodiscard]] bool await_ready() const;
    void await_suspend(std::coroutine_handle<> task);
    std::optional<Message> await_resume();

private:
    friend class c10k::WebSocketConnection;
    void on_stop() noexcept override;
    bool on_interrupt() noexcept override;

    WebSocketConnection& connection_;
};

class [[nodiscard]] WebSocket::SendAwaiter final : public Awaiter {
public:
    explicit SendAwaiter(WebSocketConnection& connection) noexcept : connection_(connection) {}
    [[nodiscard]] bool await_ready() const noexcept;
    void await_suspend(std::coroutine_handle<> task);
    void await_resume() const;

private:
    friend class c10k::WebSocketConnection;
    void on_stop() noexcept override;
    bool on_interrupt() noexcept override;

    WebSocketConnection& connection_;
    SendAwaiter* next_ = nullptr;
};

class [[nodiscard]] WebSocket::ClosedAwaiter final : public Awaiter {
public:
    explicit ClosedAwaiter(WebSocketConnection& connection) noexcept : connection_(connection) {}
    [[nodiscard]] bool await_ready() const noexcept;
    void await_suspend(std::coroutine_handle<> task);
    void await_resume() const { throw_if_stopped(); }

private:
    friend class c10k::WebSocketConnection;
    void on_stop() noexcept override;
    bool on_interrupt() noexcept override;

    WebSocketConnection& connection_;
    ClosedAwaiter* next_ = nullptr;
};

inline WebSocket::SendAwaiter WebSocket::send(const std::string& text) { return send(std::string_view{text}); }
inline WebSocket::SendAwaiter WebSocket::send(const char* text) { return send(std::string_view{text}); }

// Runs `task` and stops it if the connection closes before it has ended. Throws what `task` throws.
Task<> while_open(WebSocket& socket, Task<> task);

}  // namespace c10k
