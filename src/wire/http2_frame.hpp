#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace c10k::wire {

// The frames of HTTP/2 as bytes (RFC 9113, 4 and 6).

// The first bytes of a client (RFC 9113, 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A byte from the wire may hold any other value, too: such frames are ignored (RFC 9113, 5.5).
enum class Http2FrameType : std::uint8_t {
    kData = 0,
    kHeaders = 1,
    kPriority = 2,
    kRstStream = 3,
    kSettings = 4,
    kPushPromise = 5,
    kPing = 6,
    kGoaway = 7,
    kWindowUpdate = 8,
    kContinuation = 9,
};

// Flags, each of some types of frames. An end of the stream and an acknowledgement are the same bit.
namespace http2_flag {
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kPriority = 0x20;
}  // namespace http2_flag

// RFC 9113, 6.5.2, and 8441, 3.
enum class Http2Setting : std::uint16_t {
    kHeaderTableSize = 1,
    kEnablePush = 2,
    kMaxConcurrentStreams = 3,
    kInitialWindowSize = 4,
    kMaxFrameSize = 5,
    kMaxHeaderListSize = 6,
    kEnableConnectProtocol = 8,
};

// Why a stream or a connection ends (RFC 9113, 7).
enum class Http2Error : std::uint8_t {
    kNoError = 0,
    kProtocolError = 1,
    kInternalError = 2,
    kFlowControlError = 3,
    kSettingsTimeout = 4,
    kStreamClosed = 5,
    kFrameSizeError = 6,
    kRefusedStream = 7,
    kCancel = 8,
    kCompressionError = 9,
    kConnectError = 10,
    kEnhanceYourCalm = 11,
    kInadequateSecurity = 12,
    kHttp11Required = 13,
};

// "PROTOCOL_ERROR" and so on, as the RFC writes it.
[[nodiscard]] std::string_view name_of(Http2Error error) noexcept;
// An error code from the wire; kInternalError for one that nobody has defined (RFC 9113, 7).
[[nodiscard]] Http2Error http2_error(std::uint32_t code) noexcept;

// The window of a stream and of a connection before anything changes it, and the largest one (RFC 9113, 6.9).
inline constexpr std::int32_t kHttp2InitialWindow = 65'535;
inline constexpr std::int32_t kHttp2MaxWindow = INT32_MAX;
// The largest payload of a frame until a peer allows more (RFC 9113, 4.2). We never do, and never send more.
inline constexpr std::size_t kHttp2MaxPayload = 16'384;
inline constexpr std::uint32_t kHttp2MaxStreamId = INT32_MAX;

[[nodiscard]] inline std::uint32_t read_u32(const char* bytes) noexcept {
    std::uint32_t value;
    std::memcpy(&value, bytes, sizeof value);
    return __builtin_bswap32(value);
}
inline void write_u32(char* bytes, std::uint32_t value) noexcept {
    value = __builtin_bswap32(value);
    std::memcpy(bytes, &value, sizeof value);
}

// The header of a frame (RFC 9113, 4.1).
struct Http2FrameHeader {
    static constexpr std::size_t kBytes = 9;

    std::uint32_t length = 0;  // of the payload
    Http2FrameType type = Http2FrameType::kData;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;  // 0: the connection

    // Reads kBytes bytes. The reserved bit is ignored.
    [[nodiscard]] static Http2FrameHeader read(const char* bytes) noexcept {
        const std::uint32_t first = read_u32(bytes);
        return {first >> 8U, static_cast<Http2FrameType>(first & 0xFFU), static_cast<std::uint8_t>(bytes[4]),
                read_u32(bytes + 5) & kHttp2MaxStreamId};
    }
    // Writes kBytes bytes. Requires: the length has 24 bits.
    void write(char* bytes) const noexcept {
        write_u32(bytes, length << 8U | static_cast<std::uint32_t>(type));
        bytes[4] = static_cast<char>(flags);
        write_u32(bytes + 5, stream);
    }

    [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

}  // namespace c10k::wire
