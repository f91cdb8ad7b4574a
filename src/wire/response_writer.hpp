#pragma once

#include "c10k/http.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace c10k::wire {

// How the client learns where the body ends (RFC 9112, 6.3): by Content-Length, by its last chunk, or by the end of the
// connection. A body that is streamed is sent apart from the head.
enum class Framing : std::uint8_t { kLength, kChunked, kUntilClose };

struct ResponseOptions {
    bool head_only = false;  // the request was HEAD
    bool keep_alive = true;
    int minor_version = 1;       // of the request
    std::string_view date = {};  // for the Date field: a server with a clock must send it (RFC 9110, 6.6.1)
    Framing framing = Framing::kLength;
};

// Whether a response of that status may have content (RFC 9110, 6.4.1; for 205, 15.3.6).
[[nodiscard]] constexpr bool has_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 205 && status != 304;
}

// Throws std::logic_error unless `status` is one that a view may answer with, from 200 to 599: a lower one would not be
// the final response, and after a 101 a proxy passes the connection through.
void require_final(int status);
// Throws std::logic_error unless the status is final and to_bytes() takes the fields.
void require_sendable(const Response& response);

// The bytes of a response, framed as the options say unless its status has no content.
//
// Throws std::logic_error if a field's name is no token, its value holds a control character, or the status is not
// three digits: nothing that a view puts in can end a line (response splitting).
[[nodiscard]] std::string to_bytes(const Response& response, const ResponseOptions& options = {});

// The line before a chunk of `size` bytes; kChunkEnd follows the chunk (RFC 9112, 7.1). Requires: size > 0.
[[nodiscard]] std::string chunk_head(std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Appends "name: value" and the line's end. Throws std::logic_error as to_bytes() does.
void append_field(std::string& bytes, std::string_view name, std::string_view value);

// The answer to a client that waits with its body.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace c10k::wire
