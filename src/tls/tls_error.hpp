#pragma once

#include <system_error>

struct ssl_st;

namespace c10k {

// The errors of TLS; message() is a text for a user. Values are OpenSSL's.

// Faults that we find ourselves, besides those that OpenSSL finds.
enum class TlsFault {
    kSpokeHttp = 1,    // plain HTTP came where TLS was expected
    kHelloTooLong,     // a ClientHello longer than any client needs
    kOutOfPlace,       // another record interrupts the handshake (RFC 8446, 5.1)
    kCutInHandshake,   // the other side ended the connection before the handshake was done
    kRepliesNotTaken,  // the other side asks for replies and does not read them
};

[[nodiscard]] std::error_code make_error_code(TlsFault fault) noexcept;

// The error that made the last call on `session` fail. Takes it off OpenSSL's queue.
[[nodiscard]] std::error_code take_tls_error(const ssl_st* session) noexcept;

}  // namespace c10k

template <>
struct std::is_error_code_enum<c10k::TlsFault> : std::true_type {};
