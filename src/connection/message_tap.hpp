#pragma once

#include "c10k/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace c10k {

class WebSocketConnection;
struct Request;

// Hears everything that goes through the WebSockets of the servers on a loop, in the order in which it happens:
// LoopServices has one, or none. It calls nothing of the connections.
// Thread: that of the loop.
class MessageTap {
public:
    enum class Sender {
        kView,    // of the WebSocket itself: one message after the other
        kOthers,  // groups and handles: they know nothing of each other
    };
    enum class Side { kPeer, kUs };

    // Its handshake was accepted. Groups may have sent to it before; it may also end without this.
    virtual void on_opened(const WebSocketConnection& socket, const Request& request,
                           std::string_view route) noexcept = 0;
    virtual void on_received(const WebSocketConnection& socket, const Message& message) noexcept = 0;
    // The message is queued.
    virtual void on_sent(const WebSocketConnection& socket, Message::Kind kind, std::string_view payload,
                         Sender sender) noexcept = 0;
    // Messages that others had sent are not: the peer is too slow.
    virtual void on_dropped(const WebSocketConnection& socket, std::size_t count) noexcept = 0;
    // One side closes it, or it is lost. The first call for a WebSocket counts.
    virtual void on_closing(const WebSocketConnection& socket, std::uint16_t code, std::string_view reason,
                            Side side) noexcept = 0;
    // It is gone.
    virtual void on_closed(const WebSocketConnection& socket) noexcept = 0;

protected:
    ~MessageTap() = default;
};

}  // namespace c10k
