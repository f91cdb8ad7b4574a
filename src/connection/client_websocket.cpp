#include "connection/client_websocket.hpp"

#include <new>
#include <utility>
#include <variant>

namespace c10k {

// ---- ClientWebSocket

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

// ---- ClientHandshake

ClientHandshake::ClientHandshake(LoopServices& services, SocketId connecting, const WebSocketLimits& limits,
                                 wire::HandshakeRequest request, std::uint32_t compress_from,
                                 std::optional<ClientWebSocket>& socket)
    : SocketStream(services, connecting), limits_(limits), request_(std::move(request)), compress_from_(compress_from),
      socket_(socket) {}

void ClientHandshake::on_connected() {
    is_request_sent_ = true;
    outbox_.append(wire::to_bytes(request_));
    flush_soon(outbox_.bytes());
    resume_reading();
}

void ClientHandshake::on_received(std::span<char> bytes) {
    const std::size_t head = parser_.receive({bytes.data(), bytes.size()});
    if (parser_.state() == wire::ResponseParser::State::kFailed) {
        fail(parser_.failure());
    } else if (parser_.state() == wire::ResponseParser::State::kComplete) {
        take_answer(bytes.subspan(head));
    }
}

void ClientHandshake::take_answer(std::span<char> early) {
    if (!outbox_.empty() || is_sending()) {
        fail("the server answered before it had the whole request");
        return;
    }
    const auto result = wire::check(request_, parser_.response());
    if (const auto* disagreed = std::get_if<wire::Disagreed>(&result)) {
        fail(disagreed->reason);
        return;
    }
    try {
        socket_.emplace(services(), socket(), limits_, std::get<wire::Agreed>(result), compress_from_);
    } catch (const std::bad_alloc&) {
        fail("out of memory");
        return;
    }
    pause_reading();  // the WebSocket decides for itself
    hand_over();
    socket_->connection().open({}, early);
    wake();
}

void ClientHandshake::on_fin() { fail("the server ended the connection instead of answering the handshake"); }

void ClientHandshake::on_failed(std::error_code error) { fail(error.message()); }

void ClientHandshake::fail(std::string_view why) {
    failure_ = why;
    abort();
    wake();
}

void ClientHandshake::wake() {
    if (waiting_ != nullptr) {
        waiting_->resume();
    }
}

}  // namespace c10k
