#pragma once

#include "c10k/task.hpp"
#include "connection/websocket_connection.hpp"
#include "wire/handshake.hpp"

#include <cstdint>
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

}  // namespace c10k
