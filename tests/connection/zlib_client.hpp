#pragma once

#include "connection/fixture.hpp"
#include "wire/zlib_peer.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace c10k {

// Rows of a table, with something in common.
inline std::string rows(int first, std::size_t size) {
    std::string text;
    for (int row = first; text.size() < size; ++row) {
        text += "{\"row\": " + std::to_string(row) + ", \"state\": \"alive\"}\n";
    }
    return text;
}

// A client that compresses with zlib alone.
class ZlibClient : public testkit::Peer {
public:
    ZlibClient(testkit::Harness& harness, std::string_view offer, int window_bits = 15)
        : Peer(harness), sender_(std::max(window_bits, 9)), receiver_(window_bits) {
        send(
            "GET /ws/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Extensions: " +
            std::string{offer} + "\r\n\r\n");
    }

    // The parameters that the server has agreed on.
    std::string agreed() {
        const Response response = take_response();
        return std::string{response.headers.get("Sec-WebSocket-Extensions").value_or("nothing")};
    }

    // The frame of a compressed text.
    std::string compressed(std::string_view text) { return frame(0xC1, sender_.message(text)); }
    static std::string frame(int first, std::string_view payload) {
        std::string bytes;
        wire::append_frame(wire::Role::kClient, wire::Opcode::kText, payload, bytes);
        bytes[0] = static_cast<char>(first);
        return bytes;
    }

    // The next frame: its first byte, and its payload as it is, or inflated.
    struct Received {
        int first;
        std::string text;
        std::size_t payload_bytes;
    };
    Received take_frame() {
        const std::string head = take(2);
        std::size_t size = static_cast<unsigned char>(head[1]);
        for (int more = size == 126 ? 2 : size == 127 ? 8 : 0, read = 0; read < more; ++read) {
            size = (read == 0 ? 0 : size << 8) | static_cast<unsigned char>(take(1)[0]);
        }
        const std::string payload = take(size);
        const int first = static_cast<unsigned char>(head[0]);
        return {first, (first & 0x40) != 0 ? receiver_.message(payload).value_or("corrupt") : payload, size};
    }

private:
    wire::ZlibSender sender_;
    wire::ZlibReceiver receiver_;
};

}  // namespace c10k
