#pragma once

#include "connection/websocket_connection.hpp"
#include "server/server.hpp"

#include <memory>
#include <span>
#include <string>

namespace c10k {

// A server's WebSocket from the handshake to the end, with the view that it lives for: the view is its only coroutine.
class ServerWebSocket final : public ServerConnection, private WebSocketConnection, private Completion {
public:
    // Starts the view. `early` are bytes that came behind the handshake.
    ServerWebSocket(Server& server, SocketId socket, WebSocketMatch match, Request request, std::string early,
                    Admission::AddressSlot slot);
    ~ServerWebSocket() override;

private:
    struct Handshake;

    void close(const ShutdownOptions& options) override;
    void abort() noexcept override;

    void answer_handshake() override;
    void refuse_handshake(int status, std::string_view text) override;
    void turn_handshake_away() override;
    [[nodiscard]] const Request& handshake_request() const override;
    [[nodiscard]] std::string_view subprotocol() const noexcept override;

    void on_received(std::span<char> bytes) override;
    void on_gone() override;
    void on_completed() noexcept override;
    // Says to the peer what the view's end means.
    void answer_view();
    void refuse(const Response& response);

    // The view and the TCP connection have both ended.
    void retire() noexcept;

    Server& server_;
    const WebSocketRoute& route_;
    Captures captures_;
    std::unique_ptr<Handshake> handshake_;  // until the view has answered it, or has ended
    std::string_view subprotocol_;          // in the route
    StopScope scope_;
    Task<> view_;
    Admission::AddressSlot address_slot_;
    bool opened_ = false;
    bool view_ended_ = false;  // before it has begun, too, the connection lives for it
};

}  // namespace c10k
