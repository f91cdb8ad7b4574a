// What a server reads before the 101: requests, one after the other (RFC 9112), and handshakes (RFC 6455, 4.2).

#include "base/text.hpp"
#include "memory.hpp"
#include "pieces.hpp"
#include "require.hpp"
#include "wire/handshake.hpp"
#include "wire/host.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::Cut;
using fuzz::require;
using State = RequestParser::State;

// The second are so tight that small inputs reach them.
const HttpLimits kLimits[] = {
    {}, {.max_request_line_bytes = 40, .max_head_bytes = 160, .max_header_fields = 4, .max_body_bytes = 20}};

bool is_text(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
}

void require_sound(const Request& request, int minor_version, const HttpLimits& limits) {
    require(is_token(request.method), "a method is a token");
    require(request.target == "*" || request.target.starts_with('/'), "a target is in origin form or *");
    require(std::all_of(request.target.begin(), request.target.end(), is_target_char), "a target is visible ASCII");
    require(is_utf8(request.path) && request.path.find('\0') == std::string::npos, "a path is text");
    // A Host that only an absolute target named has been added.
    const std::size_t most_fields = limits.max_header_fields + (minor_version == 0 ? 1 : 0);
    require(request.headers.size() <= most_fields, "there are no more fields than allowed");
    for (const auto& [name, value] : request.headers) {
        require(is_token(name) && is_text(value) && trim(value) == value, "a field is a name and a trimmed text");
    }
    const std::size_t hosts = request.headers.count("Host");
    require(hosts == 1 || (hosts == 0 && minor_version == 0), "only HTTP/1.0 leaves out the Host");
    const std::size_t lengths = request.headers.count("Content-Length");
    require(lengths == 0 || (lengths == 1 && request.headers.count("Transfer-Encoding") == 0),
            "the length of a body is said once");
    require(!request.headers.get("Host").value_or("").ends_with(':'), "a Host has a port or no colon");
    require(request.body.size() <= limits.max_body_bytes, "a body is no larger than allowed");
}

// All that a caller can learn.
std::string described(RequestParser& parser) {
    if (parser.state() == State::kFailed) {
        return "failed " + std::to_string(parser.failure().status()) + ' ' + std::string(parser.failure().reason) +
               '\n';
    }
    const Request& request = parser.request();
    std::string text = "state " + std::to_string(static_cast<int>(parser.state())) +
                       (parser.started() ? " started" : "") + " 1." + std::to_string(parser.minor_version()) +
                       (parser.keep_alive() ? " keep-alive" : "") + (parser.wants_continue() ? " waits" : "") + '\n' +
                       request.method + ' ' + request.target + ' ' + request.path + '\n';
    for (const auto& [name, value] : request.headers) {
        text += name + '=' + value + '\n';
    }
    return text + request.body + '\n';
}

// A parser on a connection, the way a server uses it, and a transcript of what comes out.
class Reader {
public:
    explicit Reader(const HttpLimits& limits) : limits_(limits), parser_(limits) {}

    void receive(std::string_view bytes) {
        while (!bytes.empty() && parser_.state() != State::kFailed) {
            const std::size_t taken = memory_.watch([&] { return parser_.receive(bytes); });
            require(taken > 0 && taken <= bytes.size(), "a parser takes some of the bytes");
            require(memory_.held() <= most_memory(), "a request takes no more memory than the limits allow");
            bytes.remove_prefix(taken);
            if (parser_.state() == State::kComplete) {
                finish();
            } else {
                require(bytes.empty() || parser_.state() == State::kFailed, "a parser leaves nothing of its request");
            }
        }
    }

    // With the request that has arrived in part, or the failure.
    std::string transcript() {
        if (parser_.state() == State::kFailed) {
            constexpr int kStatuses[] = {400, 413, 414, 417, 431, 501, 505};
            require(std::count(std::begin(kStatuses), std::end(kStatuses), parser_.failure().status()) == 1 &&
                        !parser_.failure().reason.empty(),
                    "a failure has a status and a reason");
            require(parser_.receive("GET") == 0 && memory_.held() == 0, "nothing comes after a failure");
        }
        return transcript_ + described(parser_);
    }

private:
    void finish() {
        require_sound(parser_.request(), parser_.minor_version(), limits_);
        require(parser_.receive("GET") == 0, "a complete request takes nothing more");
        transcript_ += described(parser_);
        memory_.watch([&] { parser_.reset(); });
        require(memory_.held() == 0 && !parser_.started(), "between requests a parser holds nothing");
    }

    // Strings and vectors may have doubled; a path can grow threefold when it is repaired.
    [[nodiscard]] std::size_t most_memory() const {
        return 5 * limits_.max_head_bytes + 2 * limits_.max_header_fields * sizeof(Headers::Field) +
               2 * limits_.max_body_bytes + 1024;
    }

    const HttpLimits limits_;
    RequestParser parser_;
    fuzz::MemoryMeter memory_;
    std::string transcript_;
};

std::string transcript(std::string_view bytes, Cut cut, const HttpLimits& limits) {
    Reader reader(limits);
    fuzz::deliver(bytes, cut, [&](std::span<char> piece) { reader.receive({piece.data(), piece.size()}); });
    return reader.transcript();
}

// The same from a server whose views read the bodies themselves.
std::string transcript_in_pieces(std::string_view bytes, Cut cut, const HttpLimits& limits) {
    RequestParser parser(limits);
    std::string body;
    std::string text;
    fuzz::deliver(bytes, cut, [&](std::span<char> piece) {
        std::string_view rest{piece.data(), piece.size()};
        while (!rest.empty() && parser.state() != State::kFailed) {
            const bool is_body = parser.state() == State::kBody;
            const std::size_t size = body.size();
            const std::size_t taken = is_body ? parser.receive_piece(rest, body) : parser.receive_head(rest);
            require(taken > 0 && taken <= rest.size(), "a parser takes some of the bytes");
            require(body.size() - size <= taken, "data are among the bytes");
            require(parser.state() == State::kFailed || parser.request().body.empty(), "pieces are not kept");
            rest.remove_prefix(taken);
            if (parser.state() == State::kComplete) {
                parser.request().body = std::exchange(body, {});
                text += described(parser);
                parser.reset();
            }
        }
    });
    parser.request().body = std::move(body);
    return text + described(parser);
}

// The same request as another client would have written it.
std::string rewritten(const Request& request, int minor_version) {
    std::string bytes = request.method + ' ' + request.target + " HTTP/1." + std::to_string(minor_version) + "\r\n";
    for (const auto& [name, value] : request.headers) {
        append_field(bytes, name, value);
    }
    bytes += "\r\n";
    if (request.headers.count("Transfer-Encoding") == 0) {
        return bytes + request.body;
    }
    if (!request.body.empty()) {
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", request.body.size());
        bytes += size + request.body + "\r\n";
    }
    return bytes + "0\r\n\r\n";
}

// The fields of a request are the lines of its head (RFC 9112, 5): an independent reading. But for the Host, which an
// absolute target replaces.
void require_fields(const Request& request, std::string_view bytes) {
    std::string expected;
    bytes.remove_prefix(bytes.starts_with("\r\n") ? 2 : 0);  // 2.2
    bytes.remove_prefix(bytes.find("\r\n") + 2);
    while (!bytes.starts_with("\r\n")) {
        const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
        const std::string_view name = line.substr(0, line.find(':'));
        require(name.size() < line.size() && is_token(name) && is_text(line), "each line is a field");
        if (!iequals(name, "Host")) {
            expected += std::string(name) + '=' + std::string(trim(line.substr(name.size() + 1))) + '\n';
        }
        bytes.remove_prefix(line.size() + 2);
    }

    std::string fields;
    for (const auto& [name, value] : request.headers) {
        if (!iequals(name, "Host")) {
            fields += name + '=' + value + '\n';
        }
    }
    require(fields == expected, "each field is a line");
}

// What a server does with a request next: none of it may depend on the peer's good will.
void serve(const Request& request, int minor_version) {
    const std::vector<std::string> allowed{".example.com", "https://*.example.com"};
    const std::string host(request.headers.get("Host").value_or(""));
    static_cast<void>(host_allowed(host, allowed));
    static_cast<void>(origin_allowed(request.headers.get("Origin"), host, allowed));
    require(request.query().size() <= Parameters::kMaxItems &&
                Parameters::parse(request.body).size() <= Parameters::kMaxItems,
            "parameters are bounded");

    const auto examined = read_handshake(request, minor_version);
    if (const auto* refusal = std::get_if<Response>(&examined)) {
        require(refusal->status == 400 || refusal->status == 405 || refusal->status == 426, "a refusal says why");
        static_cast<void>(to_bytes(*refusal));
    }
    if (const auto* offer = std::get_if<HandshakeOffer>(&examined)) {
        require(request.method == "GET" && minor_version == 1 && request.body.empty(), "a WebSocket begins with a GET");
        const std::string chosen(choose_subprotocol(offer->subprotocols, offer->subprotocols));
        ResponseParser parser;
        parser.receive(to_bytes(switching_protocols(*offer, chosen)));
        require(parser.state() == ResponseParser::State::kComplete, "a 101 can be read");
        const HandshakeRequest asked{.host = "a", .subprotocols = offer->subprotocols, .key = offer->key};
        const auto checked = check(asked, parser.response());
        require(std::holds_alternative<Agreed>(checked) && std::get<Agreed>(checked).subprotocol == chosen,
                "both sides agree");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    for (const HttpLimits& limits : kLimits) {
        const std::string whole = transcript(input, Cut::kNowhere, limits);
        require(transcript(input, Cut::kEverywhere, limits) == whole, "one byte at a time gives the same requests");
        require(transcript(input, Cut::kSomewhere, limits) == whole, "pieces give the same requests");
        if (whole.find("failed 413") == std::string::npos) {  // these have no limit
            for (const Cut cut : fuzz::kCuts) {
                require(transcript_in_pieces(input, cut, limits) == whole, "bodies in pieces are the same requests");
            }
        }
    }

    RequestParser parser;
    parser.receive(input);
    if (parser.state() == State::kComplete) {
        const Request& request = parser.request();
        require_fields(request, input);
        serve(request, parser.minor_version());
        const HttpLimits wide{.max_request_line_bytes = 1 << 20, .max_head_bytes = 1 << 20};
        RequestParser other(wide);
        other.receive(rewritten(request, parser.minor_version()));
        require(described(other) == described(parser), "a request written again is the same request");
    }
    return 0;
}
