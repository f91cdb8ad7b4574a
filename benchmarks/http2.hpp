#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The frames of RFC 9113 that a benchmark needs. Both ends give windows so large that only those of connections have to
// be renewed.
namespace benchmarks::http2 {

enum class Type : std::uint8_t {
    kData = 0,
    kHeaders = 1,
    kReset = 3,
    kSettings = 4,
    kPing = 6,
    kGoaway = 7,
    kWindowUpdate = 8
};

inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kEndHeaders = 4;
inline constexpr std::size_t kHeadBytes = 9;
inline constexpr std::uint32_t kMostWindow = 0x7FFFFFFF;
inline constexpr std::uint32_t kFirstWindow = 65'535;
// An end gives so many bytes of its connection's window back at once.
inline constexpr std::uint32_t kRenewal = 1U << 24;
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// The field `:status: 200` in a block (RFC 7541, Appendix A).
inline constexpr char kStatus200 = '\x88';

inline constexpr std::uint16_t kMaxStreams = 3;
inline constexpr std::uint16_t kInitialWindow = 4;
inline constexpr std::uint16_t kEnableConnect = 8;

struct Frame {
    Type type;
    std::uint8_t flags;
    std::uint32_t stream;
    std::string_view payload;
};

[[nodiscard]] std::uint32_t read_32(std::string_view bytes) noexcept;

// Appends the frame, whose payload the caller may also append itself: then `bytes` is its length.
void add_head(std::string& out, Type type, std::uint8_t flags, std::uint32_t stream, std::size_t bytes);
void add(std::string& out, Type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
void add_window_update(std::string& out, std::uint32_t stream, std::uint32_t bytes);
// A SETTINGS frame with largest windows for streams, and a largest window for the connection. A server also lets
// clients open WebSockets (RFC 8441, 3), as many as they like.
void add_client_settings(std::string& out);
void add_server_settings(std::string& out);
// The request of RFC 8441, 4, without Huffman coding or dynamic table.
void add_connect(std::string& out, std::uint32_t stream, std::string_view path);

// Takes the first frame from `bytes`; false if it is not whole.
[[nodiscard]] bool take(std::string_view& bytes, Frame& frame) noexcept;

// Sends what `fd` takes without waiting, and removes that from `out`. Returns whether all has gone.
[[nodiscard]] bool send_all(int fd, std::string& out);

}  // namespace benchmarks::http2
