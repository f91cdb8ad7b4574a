#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace c10k::wire {

// The address of a WebSocket (RFC 6455, 3) or a page: "ws://example.com:8000/chat/?user=ann".
struct Url {
    std::string scheme;      // "ws", "wss", "http" or "https"
    std::string host;        // without the brackets of an IPv6 address
    std::string zone;        // of that address: "%eth0" if it is reached by one interface only (RFC 4007, 11)
    std::uint16_t port = 0;  // the scheme's, unless the text names one
    std::string target;      // path and query, as a request sends them; at least "/"

    // Throws std::invalid_argument with a text for a user, which names the fault and, if known, the right spelling.
    static Url parse(std::string_view text);

    // Whether the scheme asks for TLS.
    [[nodiscard]] bool secure() const noexcept { return scheme == "wss" || scheme == "https"; }
    // The value of the Host field: without the scheme's own port (RFC 9110, 7.2), and without the zone, which means
    // something on this machine only (RFC 6874, 1).
    [[nodiscard]] std::string host_field() const;
};

}  // namespace c10k::wire
