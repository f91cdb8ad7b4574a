#pragma once

#include "wire/handshake.hpp"
#include "wire/host.hpp"
#include "wire/request_parser.hpp"

#include <algorithm>
#include <ctime>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace c10k::wire {

inline constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

// The server's answer to these bytes: a status of 400 and above, 101, or 200 for a request that is no handshake. 0 if
// it waits for more.
inline int verdict_of(RequestParser& parser) {
    if (parser.state() == RequestParser::State::kFailed) {
        return parser.failure().status();
    }
    if (parser.state() != RequestParser::State::kComplete) {
        return 0;
    }
    const Request& request = parser.request();
    const auto examined = read_handshake(request, parser.minor_version());
    if (const auto* refusal = std::get_if<Response>(&examined)) {
        return refusal->status;
    }
    if (std::holds_alternative<PlainRequest>(examined)) {
        return 200;
    }
    const bool allowed = origin_allowed(request.headers.get("Origin"), *request.headers.get("Host"), {});
    return allowed ? 101 : 403;
}

// Gives them to a parser in pieces of that size. Whatever it leaves over is not given again: the verdict stands.
inline int verdict_in_pieces(std::string_view bytes, std::size_t size) {
    RequestParser parser;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        const std::string_view piece = bytes.substr(at, size);
        if (parser.receive(piece) < piece.size()) {
            break;
        }
    }
    return verdict_of(parser);
}

// Expects the same verdict whole and byte by byte, and returns it.
inline int verdict(std::string_view bytes) {
    const int whole = verdict_in_pieces(bytes, bytes.size());
    EXPECT_EQ(verdict_in_pieces(bytes, 1), whole) << "byte by byte: " << bytes.substr(0, 200);
    return whole;
}

struct Field {
    std::string name;
    std::string value;
};

inline std::string request(std::string_view line, const std::vector<Field>& fields) {
    std::string bytes = std::string{line} + "\r\n";
    for (const auto& [name, value] : fields) {
        bytes += name + ": " + value + "\r\n";
    }
    return bytes + "\r\n";
}

inline std::vector<Field> good_fields() {
    return {{"Host", "example.com"},
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Key", std::string{kKey}},
            {"Sec-WebSocket-Version", "13"}};
}

inline std::string handshake(const std::vector<Field>& fields) { return request("GET /chat HTTP/1.1", fields); }

inline std::string handshake_with(std::string_view name, std::string_view value) {
    std::vector<Field> fields = good_fields();
    const auto changed =
        std::find_if(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
    if (changed != fields.end()) {
        changed->value = value;
    } else {
        fields.push_back({std::string{name}, std::string{value}});
    }
    return handshake(fields);
}

inline std::string handshake_with_another(std::string_view name, std::string_view value) {
    std::vector<Field> fields = good_fields();
    fields.push_back({std::string{name}, std::string{value}});
    return handshake(fields);
}

inline std::string handshake_without(std::string_view name) {
    std::vector<Field> fields = good_fields();
    std::erase_if(fields, [name](const Field& field) { return field.name == name; });
    return handshake(fields);
}

// A request that is good but for these lines.
inline std::string post_with(std::string_view lines, std::string_view body = {}) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n\r\n" + std::string{body};
}

// The seconds of CPU that `run` takes, the least of a few times.
template <class Run>
double cpu_of(const Run& run) {
    double least = 1e9;
    for (int round = 0; round < 5; ++round) {
        const std::clock_t begin = std::clock();
        run();
        least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return least;
}

}  // namespace c10k::wire
