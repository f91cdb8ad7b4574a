#pragma once

#include "c10k/websocket.hpp"
#include "connection/counters.hpp"

#include <memory>
#include <string>

namespace c10k {

// Counts what goes through the WebSockets of one route on one loop. Bytes are those of frames. Of a page, only its
// requests are counted, as received.
// Thread: that of the loop counts, any may read.
struct Traffic {
    Counter open;      // WebSockets now
    Counter opened;    // WebSockets
    Counter received;  // messages, whether or not the view takes them
    Counter received_bytes;
    Counter sent;  // messages that were queued for their peers
    Counter sent_bytes;
};

// The traffic of a route on one loop. It may be read when the loop has ended.
struct RouteTraffic {
    enum class Kind : std::uint8_t { kWebSocket, kPage };

    std::string route;  // its pattern: "/chat/<str:room>/"
    std::shared_ptr<const Traffic> traffic;
    Kind kind = Kind::kWebSocket;
    SlowMember slow_member = SlowMember::kClose;
};

}  // namespace c10k
