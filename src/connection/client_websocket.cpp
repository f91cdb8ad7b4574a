#include "connection/client_websocket.hpp"

#include <utility>

namespace c10k {

ClientWebSocket::ClientWebSocket(LoopServices& services, SocketId socket, const WebSocketLimits& limits,
                                 const wire::Agreed& agreed, std::uint32_t compress_from)
    : subprotocol_(agreed.subprotocol),
      connection_(services, socket, wire::Role::kClient, limits, services.client_traffic, SlowMember::kClose, *this) {
    if (agreed.deflate) {
        connection_.compress(*agreed.deflate, compress_from);
    }
}

void ClientWebSocket::on_closed() {
    if (waiting_ != nullptr) {
        std::exchange(waiting_, nullptr)->resume();
    }
}

}  // namespace c10k
