// HTTP from the other end: a client reads what a server answers, and both write what user code put together.

#include "base/text.hpp"
#include "memory.hpp"
#include "pieces.hpp"
#include "require.hpp"
#include "wire/handshake.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::Cut;
using fuzz::require;

// The second are so tight that small inputs reach them.
const HttpLimits kLimits[] = {{}, {.max_request_line_bytes = 40, .max_head_bytes = 160, .max_header_fields = 4}};
// For what has been written by ourselves.
const HttpLimits kWide{.max_request_line_bytes = 1 << 20, .max_head_bytes = 1 << 20, .max_header_fields = 10'000};

std::string described(const Headers& headers) {
    std::string text;
    for (const auto& [name, value] : headers) {
        text += name + '=' + std::string(trim(value)) + '\n';
    }
    return text;
}

std::string described(ResponseParser& parser) {
    switch (parser.state()) {
        case ResponseParser::State::kHead: return "head";
        case ResponseParser::State::kFailed: return "failed " + std::string(parser.failure());
        case ResponseParser::State::kComplete: break;
    }
    return std::to_string(parser.response().status) + '\n' + described(parser.response().headers);
}

// What comes out, and how many bytes went in.
std::string outcome(std::string_view bytes, Cut cut, const HttpLimits& limits) {
    using State = ResponseParser::State;
    ResponseParser parser(limits);
    fuzz::MemoryMeter memory;
    std::size_t taken = 0;
    fuzz::deliver(bytes, cut, [&](std::span<char> piece) {
        const std::size_t now = memory.watch([&] { return parser.receive({piece.data(), piece.size()}); });
        require(now == piece.size() || parser.state() != State::kHead, "an open head takes all that arrives");
        require(
            memory.held() <= 5 * limits.max_head_bytes + 2 * limits.max_header_fields * sizeof(Headers::Field) + 1024,
            "a head takes no more memory than the limits allow");
        taken += now;
    });
    require(parser.state() == State::kHead || parser.receive("HTTP") == 0, "nothing comes after the end");
    require(parser.state() != State::kFailed || memory.held() == 0, "nothing is kept of a failure");
    return described(parser) + " after " + std::to_string(taken);
}

// The headers that `response` gets on its way.
Headers as_sent(const Response& response) {
    Headers headers = response.headers;
    headers.remove("Content-Length");
    headers.remove("Transfer-Encoding");
    if (response.status >= 200 && response.status != 204 && response.status != 304) {
        headers.add("Content-Length", std::to_string(response.body.size()));
    }
    return headers;
}

void read(std::string_view input) {
    for (const HttpLimits& limits : kLimits) {
        const std::string whole = outcome(input, Cut::kNowhere, limits);
        require(outcome(input, Cut::kEverywhere, limits) == whole, "one byte at a time gives the same answer");
        require(outcome(input, Cut::kSomewhere, limits) == whole, "pieces give the same answer");
    }

    ResponseParser parser;
    parser.receive(input);
    if (parser.state() != ResponseParser::State::kComplete) {
        return;
    }
    const Response& response = parser.response();
    require(response.body.empty() && (response.status == 101 || (response.status >= 200 && response.status <= 999)),
            "an answer is no informational one");
    static_cast<void>(
        check(HandshakeRequest{.host = "a", .subprotocols = {"a", "b"}, .key = "AAAAAAAAAAAAAAAAAAAAAA=="}, response));
    ResponseParser other(kWide);
    other.receive(to_bytes(response));
    require(described(other) == std::to_string(response.status) + '\n' + described(as_sent(response)),
            "an answer written again is the same answer");
}

// Lines of the input, up to each LF. They may hold any other byte.
std::vector<std::string_view> split_lines(std::string_view input) {
    std::vector<std::string_view> lines;
    while (!input.empty()) {
        const std::string_view line = input.substr(0, input.find('\n'));
        lines.push_back(line);
        input.remove_prefix(std::min(line.size() + 1, input.size()));
    }
    return lines;
}

Headers headers_of(const std::vector<std::string_view>& lines, std::size_t first) {
    Headers headers;
    for (std::size_t i = first; i < lines.size(); ++i) {
        const std::string_view name = lines[i].substr(0, lines[i].find(':'));
        headers.add(name, lines[i].substr(std::min(name.size() + 1, lines[i].size())));
    }
    return headers;
}

// Even the laxest of peers finds so many lines in what was written, and then the empty one.
void require_lines(std::string_view bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
        require(
            !line.empty() && std::none_of(line.begin(), line.end(), [](char c) { return is_control(c) && c != '\t'; }),
            "nothing that is written ends a line");
        bytes.remove_prefix(line.size() + 2);
    }
    require(bytes.starts_with("\r\n"), "an empty line ends a head");
}

// Whatever a view puts into a response: it is refused, or it is what the peer reads (response splitting).
void write_response(const std::vector<std::string_view>& lines) {
    const Response response{200, headers_of(lines, 0), "body"};
    std::string bytes;
    try {
        bytes = to_bytes(response);
    } catch (const std::logic_error&) {
        return;
    }
    require_lines(bytes, 1 + as_sent(response).size());
    ResponseParser parser(kWide);
    const std::size_t head = parser.receive(bytes);
    require(parser.state() == ResponseParser::State::kFailed ||
                (described(parser) == "200\n" + described(as_sent(response)) && bytes.substr(head) == "body"),
            "a peer reads no other response than was written");
}

// Whatever a caller puts into a handshake: it is refused, or it is what the server reads.
void write_request(const std::vector<std::string_view>& lines) {
    if (lines.size() < 3) {
        return;
    }
    HandshakeRequest request{.host = std::string(lines[0]), .target = std::string(lines[1])};
    for (const std::string_view subprotocol : split_list(lines[2])) {
        request.subprotocols.emplace_back(subprotocol);
    }
    request.headers = headers_of(lines, 3);
    std::string bytes;
    try {
        bytes = to_bytes(request);
    } catch (const std::logic_error&) {
        return;
    }
    require_lines(bytes, 6 + request.headers.size() + (request.subprotocols.empty() ? 0 : 1));
    RequestParser parser(kWide);
    const std::size_t taken = parser.receive(bytes);
    if (parser.state() == RequestParser::State::kFailed) {
        return;
    }
    require(parser.state() == RequestParser::State::kComplete && taken == bytes.size(), "a handshake is one request");
    require(parser.request().target == request.target, "for its target");
    std::string_view host = trim(request.host);
    host.remove_suffix(host.ends_with(':') ? 1 : 0);  // an empty port is none
    require(parser.request().headers.get("Host") == host, "at its host");
    const auto examined = read_handshake(parser.request(), parser.minor_version());
    require(std::holds_alternative<HandshakeOffer>(examined), "that asks for a WebSocket");
    require(std::get<HandshakeOffer>(examined).subprotocols == request.subprotocols, "with its subprotocols");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    read(input);
    write_response(split_lines(input));
    write_request(split_lines(input));
    return 0;
}
