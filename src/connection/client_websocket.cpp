#include "connection/client_websocket.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace c10k {

ClientWebSocket::ClientWebSocket(LoopServices& services, SocketId socket, const Endpoint::Data& server,
                                 const wire::Agreed& agreed)
    : connection_(services, socket, wire::Role::kClient, server.limits, services.client_traffic, SlowMember::kClose,
                  *this) {
    const std::vector<std::string>& offered = server.options.subprotocols;
    if (const auto found = std::find(offered.begin(), offered.end(), agreed.subprotocol); found != offered.end()) {
        subprotocol_ = &*found;
    }
    if (agreed.deflate) {
        connection_.compress(*agreed.deflate, server.options.compression.from_bytes);
    }
}

void ClientWebSocket::on_closed() {
    if (waiting_ != nullptr) {
        std::exchange(waiting_, nullptr)->resume();
    }
}

}  // namespace c10k
