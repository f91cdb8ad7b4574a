#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace c10k::wire {

// "example.com:8000", "127.0.0.1", "[::1]:8000", without a user (RFC 3986, 3.2).
struct Authority {
    std::string_view host;  // with the brackets of an IPv6 address
    std::optional<std::uint16_t> port;

    // Empty unless `text` is a host of letters, digits and "-._", or an IPv6 address in brackets, and perhaps a port.
    static std::optional<Authority> parse(std::string_view text);
};

// A host and the text behind its colon, both unchecked.
struct HostAndPort {
    std::string_view host;
    std::optional<std::string_view> port;
};

// The last colon begins the port, unless it stands inside the brackets of an IPv6 address.
[[nodiscard]] HostAndPort split_host_and_port(std::string_view text) noexcept;

// Whether `c` may stand in the name of a host.
[[nodiscard]] bool is_host_char(char c) noexcept;

// An IPv6 address without brackets and zone; empty if `text` is none.
[[nodiscard]] std::optional<in6_addr> parse_ipv6(std::string_view text);

// 443 for "https" and "wss", 80 for all others.
[[nodiscard]] std::uint16_t default_port(std::string_view scheme) noexcept;

// Whether a request to this host is meant for us; as Django's ALLOWED_HOSTS has it.
//
// An entry is a name, ".example.com" for a name and everything below it, or "*". The machine itself is always allowed:
// localhost, names that end with .localhost, 127.0.0.0/8, [::1].
[[nodiscard]] bool host_allowed(std::string_view host_field, std::span<const std::string> allowed_hosts);

// Whether a Host field names the machine that the server runs on.
[[nodiscard]] bool host_is_local(std::string_view host_field);

// The scheme by which a request came, as far as that is known: behind a proxy it may not be.
enum class Scheme : std::uint8_t { kUnknown, kHttps };

// Whether a page of this origin may open a WebSocket here (RFC 6455, 10.2): against cross-site WebSocket hijacking.
//
// Allowed are no Origin at all (no browser), the origin whose host and port are those of the Host field, and the
// entries "https://example.com", "https://*.example.com" (all below, not the name itself) and "*". If the request came
// by https, a page of the same host that did not is foreign: anybody on its way could have written it.
[[nodiscard]] bool origin_allowed(std::optional<std::string_view> origin, std::string_view host_field,
                                  std::span<const std::string> allowed_origins, Scheme scheme = Scheme::kUnknown);

// Whether it is the origin of a page that this machine serves, on any port: a front-end's own development server is.
[[nodiscard]] bool origin_is_local(std::string_view origin);

// An origin as a browser writes it, "https://example.com": in small letters, without the scheme's own port (RFC 6454,
// 6.2). Empty if no web page can have it.
[[nodiscard]] std::optional<std::string> normal_origin(std::string_view origin);

}  // namespace c10k::wire
