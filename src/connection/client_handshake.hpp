#pragma once

#include "c10k/awaiter.hpp"
#include "connection/client_websocket.hpp"
#include "connection/endpoint.hpp"
#include "http2/http2_events.hpp"
#include "wire/handshake.hpp"
#include "wire/response_parser.hpp"

#include <coroutine>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace c10k {

// A client's half of the opening handshake. When the server has agreed, it makes the WebSocket, which takes the socket
// over.
class ClientHandshake {
public:
    // `socket` gets the WebSocket. All three outlive the handshake, and `server` the WebSocket, too.
    struct Wanted {
        const wire::HandshakeRequest& request;
        const Endpoint::Data& server;
        std::optional<ClientWebSocket>& socket;
    };

    virtual ~ClientHandshake() = default;
    ClientHandshake(const ClientHandshake&) = delete;
    ClientHandshake& operator=(const ClientHandshake&) = delete;

    [[nodiscard]] virtual bool is_request_sent() const noexcept = 0;
    // Why there is no WebSocket.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    class DoneAwaiter;
    // Suspends until there is a WebSocket, or there will be none. Stops.
    [[nodiscard]] DoneAwaiter done() noexcept;

protected:
    explicit ClientHandshake(const Wanted& wanted) noexcept : wanted_(wanted) {}

    [[nodiscard]] const wire::HandshakeRequest& request() const noexcept { return wanted_.request; }
    // Makes the WebSocket on `socket`. Returns whether it has; otherwise it has noted the failure.
    bool make_websocket(LoopServices& services, SocketId socket,
                        const std::variant<wire::Agreed, wire::Disagreed>& result);
    [[nodiscard]] WebSocketConnection& made() noexcept { return wanted_.socket->connection(); }
    void note_failure(std::string_view why) { failure_ = why; }
    // The handshake is over.
    void end();

private:
    Wanted wanted_;
    std::string failure_;
    bool is_over_ = false;
    DoneAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] ClientHandshake::DoneAwaiter final : public Awaiter {
public:
    explicit DoneAwaiter(ClientHandshake& handshake) noexcept : handshake_(handshake) {}
    [[nodiscard]] bool await_ready() const noexcept { return handshake_.is_over_ || stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) noexcept {
        handshake_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const {
        handshake_.waiting_ = nullptr;
        throw_if_stopped();
    }

private:
    friend class ClientHandshake;
    void on_stop() noexcept override { resume(); }

    ClientHandshake& handshake_;
};

inline ClientHandshake::DoneAwaiter ClientHandshake::done() noexcept { return DoneAwaiter{*this}; }

// On a TCP connection of its own, which is connected or will be (RFC 6455, 4.1).
class Http1ClientHandshake final : public ClientHandshake, private SocketStream {
public:
    Http1ClientHandshake(LoopServices& services, SocketId connecting, const Wanted& wanted);

    // Sends the request: on a socket that was connected before this object had it.
    void begin() { on_connected(); }
    [[nodiscard]] bool is_request_sent() const noexcept override { return is_request_sent_; }

private:
    void on_connected() override;
    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_written(std::size_t /*bytes*/) override {}
    void on_failed(std::error_code error) override;

    void take_answer(std::span<char> early);
    void fail(std::string_view why);

    wire::ResponseParser parser_;
    bool is_request_sent_ = false;
};

// On a stream of an HTTP/2 connection, which the server's SETTINGS allow (RFC 8441, 5).
class Http2ClientHandshake final : public ClientHandshake, private Http2StreamEvents {
public:
    // Sends the request. Throws std::bad_alloc, and std::logic_error if the request cannot be sent.
    Http2ClientHandshake(LoopServices& services, SocketId connection, std::string_view scheme, const Wanted& wanted);
    ~Http2ClientHandshake() override;

    [[nodiscard]] bool is_request_sent() const noexcept override { return true; }
    // The server has not looked at the request: it may be sent again (RFC 9113, 8.7).
    [[nodiscard]] bool is_refused() const noexcept { return is_refused_; }

private:
    void on_head(wire::Http2Head head, wire::Http2Body body) override;
    void on_failed(std::error_code error) override;
    void on_received(std::span<char> /*bytes*/) override {}  // it does not receive
    void on_end() override {}
    void on_sent(std::size_t /*bytes*/) override {}

    void close() noexcept;

    LoopServices& services_;
    std::optional<SocketId> stream_;
    bool is_refused_ = false;
};

}  // namespace c10k
