#pragma once

#include "connection/socket_stream.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace c10k {

// A stream whose owner does nothing but write down what happens.
class Recorded final : public SocketStream {
public:
    Recorded(Loop& loop, SocketId socket) : SocketStream(LoopServices::of(loop), socket) {}

    using SocketStream::abort;
    using SocketStream::hand_over;
    using SocketStream::has_peer_fin;
    using SocketStream::is_gone;
    using SocketStream::is_sending;
    using SocketStream::pause_reading;
    using SocketStream::resume_reading;
    using SocketStream::shutdown_write;

    void queue(std::string_view bytes) {
        outbox_.append(bytes);
        flush_soon(bytes.size());
    }
    // The queued bytes, without waiting for the loop.
    void send_now() {
        std::array<iovec, 8> pieces;
        outbox_.consume(loop().backend().send(socket(), outbox_.gather(pieces)));
    }
    [[nodiscard]] std::size_t unsent() const noexcept { return outbox_.bytes(); }

    bool connected = false;
    std::string received;
    int fins = 0;
    int writes = 0;
    int failures = 0;

private:
    void on_connected() override { connected = true; }
    void on_received(std::span<char> bytes) override { received.append(bytes.data(), bytes.size()); }
    void on_fin() override { ++fins; }
    void on_written(std::size_t /*bytes*/) override { ++writes; }
    void on_failed(std::error_code /*error*/) override { ++failures; }
};

}  // namespace c10k
