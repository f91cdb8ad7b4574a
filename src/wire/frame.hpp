#pragma once

#include "c10k/internal/encoded_frame.hpp"
#include "wire/mask.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace c10k::wire {

// Which end of a connection. A client masks its frames, a server does not (RFC 6455, 5.1).
enum class Role : std::uint8_t { kServer, kClient };

// RFC 6455, 5.2 and 11.8. A byte from the wire may also hold one of the reserved values between these.
enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept { return (static_cast<std::uint8_t>(opcode) & 8) != 0; }

[[nodiscard]] constexpr bool is_reserved(Opcode opcode) noexcept { return (static_cast<std::uint8_t>(opcode) & 7) > 2; }

// RSV1 in the first byte of a message: it is compressed (RFC 7692, 6).
inline constexpr std::uint8_t kCompressedBit = 0x40;

// The largest payload of a control frame, in bytes (RFC 6455, 5.5).
inline constexpr std::size_t kMaxControlBytes = 125;

// Reads a frame header (RFC 6455, 5.2) as far as it has arrived.
//
// It looks at the bytes, which must live as long as it does, and judges nothing.
class FrameHeader {
public:
    static constexpr std::size_t kMaxBytes = 14;

    // `arrived` begins with the header, and may be shorter or longer than it.
    explicit FrameHeader(std::string_view arrived) noexcept : bytes_(arrived) {}

    // The first byte. Requires: has_first().
    [[nodiscard]] bool has_first() const noexcept { return !bytes_.empty(); }
    [[nodiscard]] bool is_final() const noexcept { return (byte(0) & 0x80) != 0; }
    [[nodiscard]] bool has_reserved_bits() const noexcept { return (byte(0) & 0x70) != 0; }
    // Whether the message is compressed (RFC 7692, 6), if no other reserved bit is set.
    [[nodiscard]] bool is_compressed() const noexcept { return (byte(0) & 0x70) == kCompressedBit; }
    [[nodiscard]] Opcode opcode() const noexcept { return static_cast<Opcode>(byte(0) & 0x0F); }

    // The second byte. Requires: has_second().
    [[nodiscard]] bool has_second() const noexcept { return bytes_.size() >= 2; }
    [[nodiscard]] bool is_masked() const noexcept { return (byte(1) & 0x80) != 0; }
    // The payload length if it is at most 125; else 126 or 127.
    [[nodiscard]] std::uint8_t short_length() const noexcept { return byte(1) & 0x7F; }

    // The payload length. Requires: has_length().
    [[nodiscard]] bool has_length() const noexcept { return has_second() && bytes_.size() >= 2 + length_bytes(); }
    [[nodiscard]] std::uint64_t length() const noexcept;
    // Whether fewer bytes would have held the length.
    [[nodiscard]] bool is_length_padded() const noexcept;

    // The whole header. Requires: is_whole().
    [[nodiscard]] bool is_whole() const noexcept { return has_second() && bytes_.size() >= size(); }
    [[nodiscard]] std::size_t size() const noexcept { return 2 + length_bytes() + (is_masked() ? MaskKey::kSize : 0); }
    [[nodiscard]] MaskKey key() const noexcept;

private:
    [[nodiscard]] std::uint8_t byte(std::size_t i) const noexcept { return static_cast<std::uint8_t>(bytes_[i]); }
    [[nodiscard]] std::size_t length_bytes() const noexcept {
        return short_length() < 126 ? 0 : short_length() == 126 ? 2 : 8;
    }

    std::string_view bytes_;
};

// The size of an unmasked frame's header, in bytes.
[[nodiscard]] constexpr std::size_t header_bytes(std::size_t payload_bytes) noexcept {
    return payload_bytes < 126 ? 2 : payload_bytes < 0x10000 ? 4 : 10;
}

// The size of a frame, in bytes.
[[nodiscard]] constexpr std::size_t frame_bytes(Role sender, std::size_t payload_bytes) noexcept {
    return header_bytes(payload_bytes) + (sender == Role::kClient ? MaskKey::kSize : 0) + payload_bytes;
}

// Writes the header of an unmasked, final frame: header_bytes(payload_bytes). Returns where the payload goes.
char* write_header(Opcode opcode, std::size_t payload_bytes, char* to) noexcept;

// Writes a final frame, from a client masked with a fresh key: frame_bytes(sender, payload.size()). Returns its end.
// Throws like random_u32().
char* write_frame(Role sender, Opcode opcode, std::string_view payload, char* to);

// The same for an encoded frame, compressed or not: frame_bytes(sender, frame.payload().size()).
char* write_frame(Role sender, const internal::EncodedFrame& frame, char* to);

// Appends a frame to `to`.
void append_frame(Role sender, Opcode opcode, std::string_view payload, std::string& to);

// A close, ping or pong frame, in place; or no frame at all, which is empty.
class ControlFrame {
public:
    ControlFrame() = default;
    // Requires: at most kMaxControlBytes of payload, else throws std::length_error.
    ControlFrame(Role sender, Opcode opcode, std::string_view payload);

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

private:
    std::array<char, frame_bytes(Role::kClient, kMaxControlBytes)> bytes_;
    std::uint8_t size_ = 0;
};

}  // namespace c10k::wire
