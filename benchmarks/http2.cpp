#include "http2.hpp"

#include <initializer_list>
#include <sys/socket.h>
#include <utility>

namespace benchmarks::http2 {
namespace {

using Setting = std::pair<std::uint16_t, std::uint32_t>;

void put(std::string& out, std::uint64_t value, int bytes) {
    while (bytes-- > 0) {
        out += static_cast<char>(value >> (8 * bytes));
    }
}

void add_settings(std::string& out, std::initializer_list<Setting> settings) {
    add_head(out, Type::kSettings, 0, 0, settings.size() * 6);
    for (const auto& [id, value] : settings) {
        put(out, id, 2);
        put(out, value, 4);
    }
    add_window_update(out, 0, kMostWindow - kFirstWindow);
}

void add_field(std::string& block, std::string_view name, std::string_view value) {
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
}

}  // namespace

std::uint32_t read_32(std::string_view bytes) noexcept {
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, 4)) {
        value = value << 8 | static_cast<std::uint8_t>(byte);
    }
    return value;
}

void add_head(std::string& out, Type type, std::uint8_t flags, std::uint32_t stream, std::size_t bytes) {
    const char head[kHeadBytes] = {
        static_cast<char>(bytes >> 16),  static_cast<char>(bytes >> 8),  static_cast<char>(bytes),
        static_cast<char>(type),         static_cast<char>(flags),       static_cast<char>(stream >> 24),
        static_cast<char>(stream >> 16), static_cast<char>(stream >> 8), static_cast<char>(stream)};
    out.append(head, kHeadBytes);
}

void add(std::string& out, Type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    add_head(out, type, flags, stream, payload.size());
    out += payload;
}

void add_window_update(std::string& out, std::uint32_t stream, std::uint32_t bytes) {
    add_head(out, Type::kWindowUpdate, 0, stream, 4);
    put(out, bytes, 4);
}

void add_client_settings(std::string& out) { add_settings(out, {{kInitialWindow, kMostWindow}}); }

void add_server_settings(std::string& out) {
    add_settings(out, {{kInitialWindow, kMostWindow}, {kMaxStreams, kMostWindow}, {kEnableConnect, 1}});
}

void add_connect(std::string& out, std::uint32_t stream, std::string_view path) {
    std::string block;
    add_field(block, ":method", "CONNECT");
    add_field(block, ":protocol", "websocket");
    add_field(block, ":scheme", "http");
    add_field(block, ":path", path);
    add_field(block, ":authority", "127.0.0.1");
    add_field(block, "sec-websocket-version", "13");
    add(out, Type::kHeaders, kEndHeaders, stream, block);
}

bool take(std::string_view& bytes, Frame& frame) noexcept {
    if (bytes.size() < kHeadBytes) {
        return false;
    }
    const std::size_t length = read_32(bytes) >> 8;
    if (bytes.size() < kHeadBytes + length) {
        return false;
    }
    frame = {static_cast<Type>(bytes[3]), static_cast<std::uint8_t>(bytes[4]), read_32(bytes.substr(5)) & kMostWindow,
             bytes.substr(kHeadBytes, length)};
    bytes.remove_prefix(kHeadBytes + length);
    return true;
}

bool send_all(int fd, std::string& out) {
    const ssize_t sent = out.empty() ? 0 : ::send(fd, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        out.erase(0, static_cast<std::size_t>(sent));
    }
    return out.empty();
}

}  // namespace benchmarks::http2
