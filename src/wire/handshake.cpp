#include "wire/handshake.hpp"

#include "base/digest.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

namespace c10k::wire {

namespace {

constexpr std::size_t kKeySize = 16;  // bytes

bool contains(std::span<const std::string> list, std::string_view member) {
    return std::find(list.begin(), list.end(), member) != list.end();
}

bool has_body(const Request& request) {
    return !request.body.empty() || request.headers.count("Transfer-Encoding") > 0 ||
           request.headers.get("Content-Length").value_or("0") != "0";
}

// Empty if a member is no token.
std::optional<std::vector<std::string>> offered_subprotocols(const Headers& headers) {
    std::vector<std::string> offered;
    for (const auto& [name, value] : headers) {
        if (!iequals(name, "Sec-WebSocket-Protocol")) {
            continue;
        }
        for (const std::string_view member : split_list(value)) {
            if (!is_token(member)) {
                return std::nullopt;
            }
            offered.emplace_back(member);
        }
    }
    return offered;
}

// Whether the handshake writes the field itself, or it would give the request a body.
bool is_ours(std::string_view name) {
    constexpr std::array kOurs{"Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"};
    constexpr std::string_view kPrefix = "Sec-WebSocket-";
    return iequals(name.substr(0, kPrefix.size()), kPrefix) ||
           std::any_of(kOurs.begin(), kOurs.end(), [name](const char* ours) { return iequals(name, ours); });
}

void require_not_ours(const std::string& name) {
    if (is_ours(name)) {
        throw std::logic_error("the handshake itself sets " + name);
    }
}

}  // namespace

std::string accept_value(std::string_view key) {
    const auto digest = sha1(std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    return base64_encode({digest.data(), digest.size()});
}

std::variant<HandshakeOffer, PlainRequest, Response> read_handshake(const Request& request, int minor_version) {
    const Headers& headers = request.headers;
    if (request.method != "GET") {
        Response refusal = Response::text("A WebSocket is opened with GET.\n", 405);
        refusal.headers.add("Allow", "GET");
        return refusal;
    }
    // HTTP/1.0 has no upgrade: the field could have come through a proxy that does not know it (RFC 9110, 7.8).
    if (minor_version == 0 || !headers.has_token("Connection", "Upgrade") ||
        !headers.has_token("Upgrade", "websocket")) {
        return PlainRequest{};
    }
    if (headers.count("Sec-WebSocket-Version") != 1 || headers.get("Sec-WebSocket-Version") != "13") {
        return upgrade_required();
    }
    const std::string_view key = headers.get("Sec-WebSocket-Key").value_or("");
    const auto nonce = base64_decode(key);
    if (headers.count("Sec-WebSocket-Key") != 1 || !nonce || nonce->size() != kKeySize) {
        return Response::text("Sec-WebSocket-Key must be there once, 16 bytes in base64.\n", 400);
    }
    // Every proxy on the way must take the bytes after the head for frames (RFC 6455, 4.1; request smuggling).
    if (has_body(request)) {
        return Response::text("A WebSocket handshake has no body.\n", 400);
    }
    auto subprotocols = offered_subprotocols(headers);
    if (!subprotocols) {
        return Response::text("Sec-WebSocket-Protocol must be a list of tokens.\n", 400);
    }
    const auto extensions = parse_extensions(headers);
    if (!extensions) {
        return Response::text("Sec-WebSocket-Extensions must be a list of extensions.\n", 400);
    }
    return HandshakeOffer{std::string{key}, std::move(*subprotocols), find_deflate_offer(*extensions)};
}

std::string_view choose_subprotocol(std::span<const std::string> offered, std::span<const std::string> ours) noexcept {
    const auto chosen = std::find_if(ours.begin(), ours.end(),
                                     [offered](const std::string& candidate) { return contains(offered, candidate); });
    return chosen == ours.end() ? std::string_view{} : std::string_view{*chosen};
}

Response switching_protocols(const HandshakeOffer& offer, std::string_view subprotocol,
                             const std::optional<DeflateParameters>& deflate, const Headers& headers) {
    if (!subprotocol.empty() && !contains(offer.subprotocols, subprotocol)) {
        throw std::logic_error("the client did not offer the subprotocol " + std::string{subprotocol});
    }
    Response response{101, {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}};
    response.headers.add("Sec-WebSocket-Accept", accept_value(offer.key));
    if (!subprotocol.empty()) {
        response.headers.add("Sec-WebSocket-Protocol", subprotocol);
    }
    if (deflate) {
        response.headers.add(kExtensionsField, to_text(*deflate));
    }
    for (const auto& [name, value] : headers) {
        require_not_ours(name);
        response.headers.add(name, value);
    }
    return response;
}

Response upgrade_required() {
    Response response = Response::text("This is the address of a WebSocket, version 13.\n", 426);
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Connection", "Upgrade");
    response.headers.add("Sec-WebSocket-Version", "13");
    return response;
}

std::string random_key() {
    std::array<char, kKeySize> nonce;
    fill_random(nonce);
    return base64_encode({nonce.data(), nonce.size()});
}

namespace {

void require_target(const std::string& target) {
    if (!target.starts_with('/') || !std::all_of(target.begin(), target.end(), is_target_char)) {
        throw std::logic_error("not a request target: " + percent_encode(target));
    }
}

// The fields of the request that every version of HTTP has.
Headers fields_of(const HandshakeRequest& request) {
    Headers fields{{"Sec-WebSocket-Version", "13"}};
    if (!request.subprotocols.empty()) {
        std::string list;
        for (const std::string& subprotocol : request.subprotocols) {
            if (!is_token(subprotocol)) {
                throw std::logic_error("not a subprotocol: " + percent_encode(subprotocol));
            }
            list += (list.empty() ? "" : ", ") + subprotocol;
        }
        fields.add("Sec-WebSocket-Protocol", list);
    }
    if (!request.deflate.empty()) {
        fields.add(kExtensionsField, to_text(request.deflate));
    }
    for (const auto& [name, value] : request.headers) {
        require_not_ours(name);
        fields.add(name, value);
    }
    return fields;
}

// The subprotocol and the compression that the fields of an answer agree on.
std::variant<Agreed, Disagreed> read_agreement(const HandshakeRequest& request, const Headers& headers) {
    const auto extensions = parse_extensions(headers);
    std::optional<DeflateParameters> deflate;
    if (extensions && extensions->size() == 1 && !request.deflate.empty()) {
        deflate = read_deflate_answer(extensions->front(), request.deflate);
    }
    if (!extensions || (!extensions->empty() && !deflate)) {
        return Disagreed{"the server chose extensions that we did not offer: " +
                         std::string{*headers.get(kExtensionsField)}};
    }
    const std::string subprotocol{headers.get("Sec-WebSocket-Protocol").value_or("")};
    if (headers.count("Sec-WebSocket-Protocol") > 1 ||
        (headers.count("Sec-WebSocket-Protocol") == 1 && !contains(request.subprotocols, subprotocol))) {
        return Disagreed{"the server chose a subprotocol that we did not offer: " + subprotocol};
    }
    return Agreed{subprotocol, deflate};
}

Disagreed refused_with(int status) {
    return {"the server answered " + std::to_string(status) + ' ' + std::string{reason_phrase(status)}};
}

}  // namespace

std::string to_bytes(const HandshakeRequest& request) {
    require_target(request.target);
    std::string bytes = "GET " + request.target + " HTTP/1.1\r\n";
    append_field(bytes, "Host", request.host);
    append_field(bytes, "Upgrade", "websocket");
    append_field(bytes, "Connection", "Upgrade");
    append_field(bytes, "Sec-WebSocket-Key", request.key);
    for (const auto& [name, value] : fields_of(request)) {
        append_field(bytes, name, value);
    }
    bytes += "\r\n";
    return bytes;
}

Http2Head to_head(const HandshakeRequest& request, std::string_view scheme) {
    require_target(request.target);
    return {.method = "CONNECT",
            .scheme = std::string{scheme},
            .authority = request.host,
            .path = request.target,
            .protocol = "websocket",
            .headers = fields_of(request)};
}

std::variant<Agreed, Disagreed> check(const HandshakeRequest& request, const Response& answer) {
    const Headers& headers = answer.headers;
    if (answer.status != 101) {
        return refused_with(answer.status);
    }
    if (!headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "Upgrade")) {
        return Disagreed{"the server switched to another protocol than websocket"};
    }
    if (headers.count("Sec-WebSocket-Accept") != 1 ||
        headers.get("Sec-WebSocket-Accept") != accept_value(request.key)) {
        return Disagreed{"the server's Sec-WebSocket-Accept does not fit our key"};
    }
    return read_agreement(request, headers);
}

std::variant<Agreed, Disagreed> check(const HandshakeRequest& request, const Http2Head& answer) {
    constexpr int kFirstRedirect = 300;
    if (answer.status >= kFirstRedirect) {
        return refused_with(answer.status);
    }
    return read_agreement(request, answer.headers);
}

}  // namespace c10k::wire
