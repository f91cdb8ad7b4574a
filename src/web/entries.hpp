#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// The fault of an entry that means nothing, or not what it seems to: "an origin has no path".
struct EntryFault {
    std::string why;
    std::string hint;  // the right spelling, "write https://example.com", or another cure
};

// Each is empty if the entry is good.

// Checks an entry of allowed_hosts: "example.com", ".example.com", "[::1]" or "*".
[[nodiscard]] std::optional<EntryFault> fault_of_host(std::string_view entry);
// Checks an entry of allowed_origins, which has to equal what browsers send: "https://example.com",
// "https://*.example.com", with a port or without, or "*" (RFC 6454, 6.2).
[[nodiscard]] std::optional<EntryFault> fault_of_origin(std::string_view entry);
// Checks an entry of trusted_proxies: "127.0.0.1", "10.0.0.0/8", "unix:".
[[nodiscard]] std::optional<EntryFault> fault_of_proxy(std::string_view entry);
// The setting host: a name, an address, "*", or "unix:PATH". Whether there is such a host is not asked.
[[nodiscard]] std::optional<EntryFault> fault_of_listening_host(std::string_view host);

}  // namespace c10k
