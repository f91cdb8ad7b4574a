#pragma once

#include "c10k/http.hpp"
#include "wire/http2_head.hpp"

#include <optional>
#include <string>

namespace c10k {

// The request that a stream of HTTP/2 brings, as views know requests: an extended CONNECT (RFC 8441, 5) has become the
// GET of a WebSocket's handshake in HTTP/1.1. Empty if its target or its authority is none (RFC 9113, 8.3.1).
[[nodiscard]] std::optional<Request> request_of(wire::Http2Head head);

// The status of an answer to such a handshake that opens no WebSocket: any 2xx would open one (RFC 8441, 5).
[[nodiscard]] constexpr int refusing(int status) noexcept {
    constexpr int kNotFound = 404;
    return status / 100 == 2 ? kNotFound : status;
}

// The fields of a response as HTTP/2 has them (RFC 9113, 8.2), with `date` and the length of a body that is whole.
// Throws std::logic_error if the status or a field cannot be sent.
[[nodiscard]] Headers fields_of(const Response& response, const std::string& date);

}  // namespace c10k
