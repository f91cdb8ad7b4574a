#pragma once

#include "connection/websocket_connection.hpp"
#include "server/server_context.hpp"
#include "server/subprotocol_table.hpp"

#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace c10k {

// A server's WebSocket from the handshake to the end, with the view that it lives for: the view is its only coroutine.
class ServerWebSocket final : public ServerConnection, private WebSocketConnection::Owner, private CompletionListener {
public:
    // Starts the view. `early` are bytes that came behind the handshake.
    ServerWebSocket(ServerContext& context, SocketId socket, WebSocketMatch match, Request request, std::string early,
                    Admission::AddressSlot slot);

    // The peer sent its FIN to the connection that had the socket before.
    void note_peer_fin() { connection_.note_peer_fin(); }

private:
    class Handshake;

    void close(const ShutdownOptions& options) override;
    void abort() noexcept override;
    [[nodiscard]] Admission::Kind kind() const noexcept override;

    void on_closed() override;
    [[nodiscard]] std::string_view subprotocol() const noexcept override;
    [[nodiscard]] std::size_t memory() const noexcept override;
    void on_completed() noexcept override;
    // Says to the peer what the view's end means.
    void answer_view();
    // The same for an exception that the view did not handle: an error page, or a close code.
    void answer_failure(std::exception_ptr failure);
    // The view and the TCP connection have both ended.
    void retire() noexcept;

    ServerContext& context_;
    const WebSocketRoute& route_;
    Captures captures_;
    WebSocketConnection connection_;
    WebSocket socket_{connection_};  // as the view sees it
    StopScope scope_;
    Task<> view_;
    Admission::AddressSlot address_slot_;
    SubprotocolTable::Id subprotocol_ : 30 = SubprotocolTable::kNone;  // since it was accepted
    bool is_opened_ : 1 = false;
    bool has_view_ended_ : 1 = false;  // before the view has begun, too, the connection lives for it
};

}  // namespace c10k
