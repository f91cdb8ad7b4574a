#include "bytes.hpp"

#include "program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/socket.h>

namespace benchmarks {
namespace {

using namespace std::string_view_literals;

// Any sample nonce will do (RFC 6455, 4.1): nobody is fooled on loopback.
constexpr std::string_view kNonce = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kMask = "\x37\xfa\x21\x3d";

// RFC 6455, 5.2
std::string header(std::size_t payload_bytes, unsigned mask_bit) {
    std::string bytes = "\x81";
    const auto add = [&](std::size_t value) { bytes += static_cast<char>(value); };
    if (payload_bytes < 126) {
        add(payload_bytes | mask_bit);
        return bytes;
    }
    const int length_bytes = payload_bytes < 65536 ? 2 : 8;
    add((length_bytes == 2 ? 126 : 127) | mask_bit);
    for (int i = length_bytes - 1; i >= 0; --i) {
        add(payload_bytes >> (8 * i));
    }
    return bytes;
}

}  // namespace

std::string client_frame(std::size_t payload_bytes) {
    std::string frame = header(payload_bytes, 0x80) + std::string{kMask};
    for (std::size_t i = 0; i < payload_bytes; ++i) {
        frame += static_cast<char>('x' ^ kMask[i % kMask.size()]);
    }
    return frame;
}

std::string server_frame(std::size_t payload_bytes) {
    return header(payload_bytes, 0) + std::string(payload_bytes, 'x');
}

std::string_view client_close() noexcept { return "\x88\x82\0\0\0\0\x03\xe8"sv; }

std::string_view server_close() noexcept { return "\x88\x02\x03\xe8"sv; }

std::string client_pong(std::string_view payload) {
    std::string frame = "\x8a";
    frame += static_cast<char>(0x80 | payload.size());
    frame += "\0\0\0\0"sv;  // a mask that changes nothing
    return frame += payload;
}

std::string upgrade_request(std::string_view path, std::string_view cookie) {
    std::string request = "GET ";
    request += path;
    request += " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ";
    request += kNonce;
    request += "\r\nSec-WebSocket-Version: 13\r\n";
    if (!cookie.empty()) {
        request += "Cookie: ";
        request += cookie;
        request += "\r\n";
    }
    return request += "\r\n";
}

std::string upgrade_response(std::string_view request) {
    constexpr std::string_view kField = "Sec-WebSocket-Key: ";
    const std::size_t field = request.find(kField);
    if (field == std::string_view::npos) {
        fail("a handshake without " + std::string{kField});
    }
    std::string key{request.substr(field + kField.size(), kNonce.size())};
    key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
    ::SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
    std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> accept;
    ::EVP_EncodeBlock(accept.data(), digest.data(), digest.size());
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           std::string{reinterpret_cast<const char*>(accept.data())} + "\r\n\r\n";
}

std::string get_request(std::string_view path) {
    std::string request = "GET ";
    request += path;
    return request += " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

Repeated::Repeated(std::string_view text) : period_(text.size()) {
    do {
        copies_ += text;
    } while (copies_.size() < text.size() + std::size_t{64} * 1024);
}

std::string_view Repeated::next(const Debt& debt) const noexcept {
    return std::string_view{copies_}.substr(debt.phase, debt.bytes);
}

void Repeated::pay(Debt& debt, std::size_t bytes) const noexcept {
    debt.bytes -= bytes;
    debt.phase = (debt.phase + bytes) % period_;
}

void Repeated::send(int fd, Debt& debt) const {
    while (debt.bytes > 0) {
        const std::string_view bytes = next(debt);
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno != EAGAIN) {
                debt.bytes = 0;
            }
            return;
        }
        pay(debt, static_cast<std::size_t>(sent));
    }
}

}  // namespace benchmarks
