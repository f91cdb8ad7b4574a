#pragma once

#include <system_error>

struct ssl_st;

namespace c10k {

// What goes wrong in TLS, as errors whose message() is for a user. Values are OpenSSL's.

// Faults that are ours to find, beyond those of OpenSSL.
enum class TlsFault {
    kSpokeHttp = 1,    // plain HTTP came where TLS was expected
    kHelloTooLong,     // a ClientHello that nobody needs
    kOutOfPlace,       // a handshake that is interrupted by something else (RFC 8446, 5.1)
    kCutInHandshake,   // the other side ended the connection before the handshake was done
    kRepliesNotTaken,  // the other side asks for replies and does not read them
};

[[nodiscard]] std::error_code make_error_code(TlsFault fault) noexcept;

// What made the last call on `session` fail; takes it off OpenSSL's queue.
[[nodiscard]] std::error_code take_tls_error(const ssl_st* session) noexcept;

}  // namespace c10k

template <>
struct std::is_error_code_enum<c10k::TlsFault> : std::true_type {};
