#pragma once

#include "c10k/task.hpp"
#include "connection/websocket_connection.hpp"
#include "wire/handshake.hpp"
#include "wire/response_parser.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace c10k {

// A client's WebSocket after the opening handshake. connect() owns it; its task never ends inside an event.
class ClientWebSocket final : private WebSocketConnection::Owner {
public:
    ClientWebSocket(LoopServices& services, SocketId socket, const WebSocketLimits& limits, const wire::Agreed& agreed,
                    std::uint32_t compress_from);

    [[nodiscard]] WebSocketConnection& connection() noexcept { return connection_; }
    // As the view sees it.
    [[nodiscard]] WebSocket& socket() noexcept { return socket_; }

    class EndAwaiter;
    // Suspends until the TCP connection has ended. It is not stopped: the close time bounds it.
    [[nodiscard]] EndAwaiter ended() noexcept;

private:
    void on_closed() override;
    [[nodiscard]] std::string_view subprotocol() const noexcept override { return subprotocol_; }

    std::string subprotocol_;
    WebSocketConnection connection_;
    WebSocket socket_{connection_};
    EndAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] ClientWebSocket::EndAwaiter final : public Awaiter {
public:
    explicit EndAwaiter(ClientWebSocket& socket) noexcept : socket_(socket) {}
    [[nodiscard]] bool await_ready() const noexcept { return socket_.connection_.is_closed(); }
    void await_suspend(std::coroutine_handle<> task) noexcept {
        socket_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const noexcept {}

private:
    friend class ClientWebSocket;
    void on_stop() noexcept override {}

    ClientWebSocket& socket_;
};

inline ClientWebSocket::EndAwaiter ClientWebSocket::ended() noexcept { return EndAwaiter{*this}; }

// A client's half of the opening handshake (RFC 6455, 4.1), on a socket that is connected or will be. When the server
// has agreed, it makes the WebSocket, which takes the socket over.
class ClientHandshake final : private SocketStream {
public:
    // `socket` gets the WebSocket. It and `limits` outlive the handshake.
    ClientHandshake(LoopServices& services, SocketId connecting, const WebSocketLimits& limits,
                    wire::HandshakeRequest request, std::uint32_t compress_from,
                    std::optional<ClientWebSocket>& socket);

    // Sends the request: on a socket that was connected before this object had it.
    void begin() { on_connected(); }

    [[nodiscard]] bool is_request_sent() const noexcept { return is_request_sent_; }
    // Why there is no WebSocket.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    class DoneAwaiter;
    // Suspends until there is a WebSocket, or there will be none. Stops.
    [[nodiscard]] DoneAwaiter done() noexcept;

private:
    void on_connected() override;
    void on_received(std::span<char> bytes) override;
    void on_fin() override;
    void on_written(std::size_t /*bytes*/) override {}
    void on_failed(std::error_code error) override;

    void take_answer(std::span<char> early);
    void fail(std::string_view why);
    void wake();
    [[nodiscard]] bool is_done() const noexcept { return is_gone(); }

    const WebSocketLimits& limits_;
    wire::HandshakeRequest request_;
    wire::ResponseParser parser_;
    std::uint32_t compress_from_;
    bool is_request_sent_ = false;
    std::optional<ClientWebSocket>& socket_;
    std::string failure_;
    DoneAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] ClientHandshake::DoneAwaiter final : public Awaiter {
public:
    explicit DoneAwaiter(ClientHandshake& handshake) noexcept : handshake_(handshake) {}
    [[nodiscard]] bool await_ready() const noexcept { return handshake_.is_done() || stop_requested(); }
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

}  // namespace c10k
