#pragma once

#include "c10k/http.hpp"

#include <span>
#include <string>
#include <string_view>

namespace c10k::wire {

// Whether `text` is an address or a network: "127.0.0.1", "10.0.0.0/8", "fd00::/8".
[[nodiscard]] bool is_network(std::string_view text);

// Whether `address`, "127.0.0.1:54321" or without the port, is in one of the networks `trusted`. Clients of a unix
// socket, "unix:", are if `trusted` names just that.
[[nodiscard]] bool is_trusted(std::string_view address, std::span<const std::string> trusted);

// The client of a request, as far as the request can be believed. `peer` is the other end of the connection,
// "127.0.0.1:54321".
//
// If `peer` is in one of the networks `trusted`, it is a proxy, and the last address in X-Forwarded-For is the proxy's
// own peer; and so on from right to left, up to the first address that is not trusted. An address that the client
// itself wrote stands to the left of that one, and is not believed.
[[nodiscard]] std::string client_of(std::string_view peer, const Headers& headers,
                                    std::span<const std::string> trusted);

// Whether a request came by https, as far as that can be believed: its connection says so, or if its peer is a trusted
// proxy, the last member of X-Forwarded-Proto says it of the connection that the proxy had.
[[nodiscard]] bool came_securely(const Request& request, std::span<const std::string> trusted);

}  // namespace c10k::wire
