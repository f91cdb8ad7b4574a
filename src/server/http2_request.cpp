#include "server/http2_request.hpp"

#include "wire/handshake.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_writer.hpp"

#include <cstddef>
#include <utility>

namespace c10k {

std::optional<Request> request_of(wire::Http2Head head) {
    const bool is_websocket = head.is_websocket();
    if (head.method == "CONNECT" && !is_websocket) {
        return std::nullopt;
    }
    const bool is_asterisk = head.path == "*" && head.method == "OPTIONS";
    auto path = head.path.starts_with('/') || is_asterisk ? wire::path_of(head.path) : std::nullopt;
    const auto host = wire::host_of(head.authority);
    if (!path || !host) {
        return std::nullopt;
    }
    Request request;
    request.method = is_websocket ? "GET" : std::move(head.method);
    request.target = std::move(head.path);
    request.path = std::move(*path);
    request.headers = std::move(head.headers);
    request.headers.set("Host", *host);
    request.major_version = 2;
    if (is_websocket) {
        request.headers.set("Upgrade", "websocket");
        request.headers.set("Connection", "Upgrade");
        request.headers.set("Sec-WebSocket-Key", wire::random_key());
    }
    return request;
}

Headers fields_of(const Response& response, const std::string& date) {
    wire::require_sendable(response);
    Headers fields = response.headers;
    fields.remove("Content-Length");
    fields.remove("Transfer-Encoding");
    if (!date.empty() && fields.count("Date") == 0) {
        fields.add("Date", date);
    }
    if (wire::has_body(response.status)) {
        const std::optional<std::size_t> length = response.body_stream ? response.stream_bytes : response.body.size();
        if (length) {
            fields.add("Content-Length", std::to_string(*length));
        }
    }
    return fields;
}

}  // namespace c10k
