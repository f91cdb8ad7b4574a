#pragma once

#include "c10k/http.hpp"
#include "wire/extensions.hpp"
#include "wire/http2_head.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The opening handshake of a WebSocket (RFC 6455, 4). Of the extensions only permessage-deflate is spoken.
namespace c10k::wire {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455, 4.2.2).
[[nodiscard]] std::string accept_value(std::string_view key);

// The server's side.

// A valid handshake: switching_protocols() may answer it.
struct HandshakeOffer {
    std::string key;
    std::vector<std::string> subprotocols;          // in the client's order of preference
    std::optional<DeflateParameters> deflate = {};  // the first offer that can be answered
};

// A request to a WebSocket route that asks for no WebSocket: upgrade_required() answers it.
struct PlainRequest {};

// Tells what kind of request a whole request to a WebSocket route is; a Response refuses it (RFC 6455, 4.2.1).
//
// Only "Upgrade: websocket" with "Connection: Upgrade" in an HTTP/1.1 GET asks for a WebSocket; of such a request all
// the rest must be right. `minor_version` is 0 for HTTP/1.0, 1 for HTTP/1.1.
[[nodiscard]] std::variant<HandshakeOffer, PlainRequest, Response> read_handshake(const Request& request,
                                                                                  int minor_version);

// The first of `ours`, the server's order of preference, that the client offers; empty if there is none.
[[nodiscard]] std::string_view choose_subprotocol(std::span<const std::string> offered,
                                                  std::span<const std::string> ours) noexcept;

// 101 with `headers` behind the handshake's own. Requires: `deflate` is empty or answers an offer. Throws
// std::logic_error if `subprotocol` is neither empty nor one that the client offered, or if `headers` name a field of
// the handshake or of a body's length.
[[nodiscard]] Response switching_protocols(const HandshakeOffer& offer, std::string_view subprotocol = {},
                                           const std::optional<DeflateParameters>& deflate = {},
                                           const Headers& headers = {});

// 426, which names the protocol and version to use (RFC 9110, 15.5.22; RFC 6455, 4.4).
[[nodiscard]] Response upgrade_required();

// The client's side.

// A new Sec-WebSocket-Key: 16 random bytes in base64 (RFC 6455, 4.1).
[[nodiscard]] std::string random_key();

struct HandshakeRequest {
    std::string host;  // the Host field: "example.com:8000"
    std::string target = "/";
    std::vector<std::string> subprotocols = {};   // in order of preference
    Headers headers = {};                         // more fields, such as Origin and Cookie
    std::vector<DeflateParameters> deflate = {};  // the offers of it, in order of preference
    std::string key = random_key();
};

// The bytes of the request. Throws std::logic_error if a part cannot stand where it would, above all if it could end a
// line, and if `headers` name a field of the handshake or of the body's length.
[[nodiscard]] std::string to_bytes(const HandshakeRequest& request);
// The same request on a stream of HTTP/2, an extended CONNECT (RFC 8441, 4); it has no key. `scheme`: "http" or
// "https". HpackEncoder checks the values.
[[nodiscard]] Http2Head to_head(const HandshakeRequest& request, std::string_view scheme);

// The handshake has succeeded.
struct Agreed {
    std::string subprotocol;                   // empty if none
    std::optional<DeflateParameters> deflate;  // nothing if none
};

// It has failed; the connection must be closed.
struct Disagreed {
    std::string reason;  // for a human
};

// Whether the head of the server's answer opens the WebSocket (RFC 6455, 4.1).
[[nodiscard]] std::variant<Agreed, Disagreed> check(const HandshakeRequest& request, const Response& answer);
// The same on a stream of HTTP/2, where any 2xx does (RFC 8441, 5).
[[nodiscard]] std::variant<Agreed, Disagreed> check(const HandshakeRequest& request, const Http2Head& answer);

}  // namespace c10k::wire
