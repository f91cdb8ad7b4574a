#include "wire/response_writer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>

namespace c10k::wire {
namespace {

// Bytes of most heads: so much is reserved, and more only for the others.
constexpr std::size_t kUsualHead = 256;

void require_field(std::string_view name, std::string_view value) {
    const auto ends_line = [](char c) { return is_control(c) && c != '\t'; };
    if (!is_token(name) || std::any_of(value.begin(), value.end(), ends_line)) {
        throw std::logic_error("not a header field: " + percent_encode(name, " ") + ": " + percent_encode(value, " "));
    }
}

}  // namespace

void require_final(int status) {
    if (status < 200 || status > 599) {
        throw std::logic_error("a view answers with a status from 200 to 599, not " + std::to_string(status));
    }
}

void require_sendable(const Response& response) {
    require_final(response.status);
    for (const auto& [name, value] : response.headers) {
        require_field(name, value);
    }
}

std::string to_bytes(const Response& response, const ResponseOptions& options) {
    if (response.status < 100 || response.status > 999) {
        throw std::logic_error("an HTTP status has three digits, not " + std::to_string(response.status));
    }
    const bool informational = response.status < 200;
    const bool is_framed = has_body(response.status);
    const bool is_reset = response.status == 205;  // it has no content, and must say so (RFC 9110, 15.3.6)

    std::string bytes;
    bytes.reserve(kUsualHead + response.body.size());
    bytes += "HTTP/1.1 " + std::to_string(response.status) + ' ';
    bytes += reason_phrase(response.status);
    bytes += "\r\n";
    for (const auto& [name, value] : response.headers) {
        if (!iequals(name, "Content-Length") && !iequals(name, "Transfer-Encoding")) {
            append_field(bytes, name, value);
        }
    }
    if (!options.date.empty() && response.headers.count("Date") == 0) {
        append_field(bytes, "Date", options.date);
    }
    if (is_framed && options.framing == Framing::kLength) {
        const std::optional<std::size_t> streamed = response.body_stream ? response.stream_bytes : std::nullopt;
        append_field(bytes, "Content-Length", std::to_string(streamed.value_or(response.body.size())));
    } else if (is_framed && options.framing == Framing::kChunked) {
        append_field(bytes, "Transfer-Encoding", "chunked");
    } else if (is_reset) {
        append_field(bytes, "Content-Length", "0");
    }
    if (!informational && !options.keep_alive) {
        append_field(bytes, "Connection", "close");
    } else if (!informational && options.minor_version == 0) {
        append_field(bytes, "Connection", "keep-alive");
    }
    bytes += "\r\n";
    if (is_framed && options.framing == Framing::kLength && !options.head_only && !response.body_stream) {
        bytes += response.body;
    }
    return bytes;
}

std::string chunk_head(std::size_t size) {
    std::array<char, 2 * sizeof size> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
    return std::string{digits.data(), end} + "\r\n";
}

void append_field(std::string& bytes, std::string_view name, std::string_view value) {
    require_field(name, value);
    bytes += name;
    bytes += ": ";
    bytes += value;
    bytes += "\r\n";
}

}  // namespace c10k::wire
