#include "connection/socket_stream.hpp"

#include <array>

namespace c10k {
namespace {

constexpr std::size_t kPiecesAtOnce = 64;

}  // namespace

SocketStream::SocketStream(LoopServices& services, SocketId socket) : services_(services), socket_(socket) {
    loop().backend().attach(socket, *this);
}

SocketStream::~SocketStream() { abort(); }

void SocketStream::resume_reading() {
    if (!is_reading_ && !is_gone_) {
        is_reading_ = true;
        loop().backend().start_receiving(socket_);
    }
}

void SocketStream::pause_reading() {
    if (is_reading_) {
        is_reading_ = false;
        loop().backend().stop_receiving(socket_);
    }
}

void SocketStream::on_end() {
    has_peer_fin_ = true;
    on_fin();
}

void SocketStream::flush() {
    if (is_sending_ || is_gone_ || outbox_.empty()) {
        return;
    }
    std::array<iovec, kPiecesAtOnce> pieces;
    const std::size_t taken = loop().backend().send(socket_, outbox_.gather(pieces));
    if (taken > 0) {
        consume(taken);
    } else {
        is_sending_ = true;
    }
}

void SocketStream::on_sent(std::size_t bytes) {
    is_sending_ = false;
    consume(bytes);
}

void SocketStream::consume(std::size_t bytes) {
    outbox_.consume(bytes);
    if (!outbox_.empty()) {
        flush_soon(outbox_.bytes());
    }
    on_written(bytes);
}

void SocketStream::shutdown_write() {
    if (!has_shut_down_) {
        has_shut_down_ = true;
        loop().backend().shutdown_write(socket_);
    }
}

void SocketStream::shutdown_stream() {
    if (Http2Streams::is_stream(socket_)) {
        shutdown_write();
    }
}

void SocketStream::abort() noexcept {
    if (!is_gone_) {
        is_gone_ = true;
        loop().backend().close(socket_, outbox_.release());
    }
}

SocketId SocketStream::hand_over() noexcept {
    is_gone_ = true;
    return socket_;
}

}  // namespace c10k
