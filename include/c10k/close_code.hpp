#pragma once

#include <cstdint>

namespace c10k {

// The close codes that have a meaning of their own (RFC 6455, 7.4.1, and IANA's registry of WebSocket close codes).
//
//     socket.close(CloseCode::kPolicyViolation, "only the host may start the game");
//
// A code is a number, not one of these: libraries have 3000 to 3999 for their own, and applications 4000 to 4999.
struct CloseCode {
    static constexpr std::uint16_t kNormal = 1000;
    static constexpr std::uint16_t kGoingAway = 1001;  // the server shuts down, or the browser leaves the page
    static constexpr std::uint16_t kProtocolError = 1002;
    static constexpr std::uint16_t kUnsupportedData = 1003;  // text where the application takes binary, or the reverse
    static constexpr std::uint16_t kNoStatus = 1005;         // never sent: the peer's close frame had no code
    static constexpr std::uint16_t kAbnormal = 1006;         // never sent: the connection was lost
    static constexpr std::uint16_t kInvalidData = 1007;  // text that is not UTF-8, or compressed data that is corrupt
    static constexpr std::uint16_t kPolicyViolation = 1008;
    static constexpr std::uint16_t kMessageTooBig = 1009;
    static constexpr std::uint16_t kMandatoryExtension = 1010;
    static constexpr std::uint16_t kInternalError = 1011;
    static constexpr std::uint16_t kServiceRestart = 1012;
    static constexpr std::uint16_t kTryAgainLater = 1013;
    static constexpr std::uint16_t kBadGateway = 1014;
    static constexpr std::uint16_t kTlsHandshake = 1015;  // never sent: the TLS handshake failed

    // Whether a close frame may carry `code` (RFC 6455, 7.4).
    [[nodiscard]] static constexpr bool is_sendable(std::uint16_t code) noexcept {
        return (code >= kNormal && code <= kUnsupportedData) || (code >= kInvalidData && code <= kBadGateway) ||
               (code >= 3000 && code <= 4999);
    }
};

}  // namespace c10k
