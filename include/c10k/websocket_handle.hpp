#pragma once

#include "c10k/close_code.hpp"
#include "c10k/message.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace c10k {

class WebSocketTable;

// Sends to one WebSocket from anywhere. You may keep it for as long as you like.
// Thread: any.
class WebSocketHandle {
public:
    // To no WebSocket.
    WebSocketHandle() = default;

    // Queues `message` and does not wait; a peer that stays too far behind meets what its route says of slow members.
    // Messages of one thread arrive in their order. Returns whether the message is queued: false if the loop of the
    // connection has ended or already has more than mailbox_bytes to do, and on the thread of that loop also if the
    // connection is closed. Another thread cannot know that: what it queues for a closed connection is dropped.
    bool send(Message message) const;  // NOLINT(modernize-use-nodiscard): most callers do not care
    // Begins the closing handshake. A handshake that its view has not answered yet is refused with 503. Does nothing if
    // the connection is gone. Requires: as for WebSocket::close(). Throws std::invalid_argument otherwise.
    void close(std::uint16_t code = CloseCode::kNormal, std::string reason = {}) const;

    friend bool operator==(const WebSocketHandle&, const WebSocketHandle&) = default;

private:
    friend class WebSocketTable;

    std::shared_ptr<WebSocketTable> table_;
    std::uint32_t slot_ = 0;
    std::uint32_t generation_ = 0;
};

using Handle [[deprecated("write WebSocketHandle")]] = WebSocketHandle;

}  // namespace c10k
