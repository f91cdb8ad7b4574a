#pragma once

#include "c10k/task.hpp"
#include "connection/endpoint.hpp"
#include "connection/websocket_connection.hpp"
#include "wire/handshake.hpp"

#include <string>
#include <string_view>

namespace c10k {

// A client's WebSocket after the opening handshake. connect() owns it; its task never ends inside an event.
class ClientWebSocket final : private WebSocketConnection::Owner {
public:
    // `server` outlives it.
    ClientWebSocket(LoopServices& services, SocketId socket, const Endpoint::Data& server, const wire::Agreed& agreed);

    [[nodiscard]] WebSocketConnection& connection() noexcept { return connection_; }
    // As the view sees it.
    [[nodiscard]] WebSocket& socket() noexcept { return socket_; }

    class EndAwaiter;
    // Suspends until the TCP connection has ended. It is not stopped: the close time bounds it.
    [[nodiscard]] EndAwaiter ended() noexcept;

private:
    void on_closed() override;
    [[nodiscard]] std::string_view subprotocol() const noexcept override {
        return subprotocol_ != nullptr ? std::string_view{*subprotocol_} : std::string_view{};
    }

    const std::string* subprotocol_ = nullptr;  // one of those that the endpoint offers; null for none
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
