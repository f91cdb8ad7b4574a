#include "c10k/spread.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace c10k {

void Spread::declare_options(CommandOptions& options) {
    constexpr std::size_t kMaxLoops = 64;
    options.number("--workers,--loops", loops_, {1, kMaxLoops}, "Loops to spread the clients over, each in a thread");
    options
        .text("--sources", sources_,
              "Addresses of this machine, with commas, that the clients come from in turn; without it, for a server on "
              "127.0.0.1, as many 127.0.0.x as it takes")
        .not_empty();
    constexpr std::uint32_t kConnections = 16;
    constexpr std::uint32_t kMaxConnections = 100'000;
    options.optional_number("--http2", http2_, kConnections, {1, kMaxConnections},
                            "Let all clients share so many connections of HTTP/2, without a number " +
                                std::to_string(kConnections) +
                                ": one packet carries the messages of many. Without it, each client has a connection "
                                "of its own. The server needs http2 and enough max_streams");
}

std::optional<Http2> Spread::http2() const noexcept {
    if (!http2_) {
        return std::nullopt;
    }
    return Http2{.connections = static_cast<std::uint32_t>((*http2_ + loops_ - 1) / loops_)};
}

std::size_t Spread::connections(std::size_t clients) const noexcept {
    const std::optional<Http2> shared = http2();
    return shared ? std::min(clients, shared->connections * loops_) : clients;
}

std::string Spread::sharing(std::size_t clients) const {
    return !http2_ ? ""
                   : std::to_string(clients) + " WebSockets share " + std::to_string(connections(clients)) +
                         (connections(clients) == 1 ? " connection" : " connections") + " of HTTP/2";
}

Endpoint Spread::endpoint(const Endpoint& server, std::size_t clients) const {
    // An address has 28,000 ports, and looking for a free one takes the longer the more are taken.
    constexpr std::size_t kConnectionsOfAnAddress = 1000;
    constexpr std::size_t kMaxAddresses = 250;
    std::vector<std::string> from;
    if (!sources_.empty()) {
        std::istringstream list{sources_ + ','};
        for (std::string source; std::getline(list, source, ',');) {
            if (source.empty()) {
                throw std::runtime_error("--sources: '" + sources_ +
                                         "' has an empty address: write them with one comma between two");
            }
            from.push_back(source);
        }
    } else if (server.is_loopback()) {
        const std::size_t count = std::min(connections(clients) / kConnectionsOfAnAddress + 1, kMaxAddresses);
        for (std::size_t i = 1; i <= count; ++i) {
            from.push_back("127.0.0." + std::to_string(i));
        }
        from.emplace_back("::1");  // localhost may be either
    }
    return from.empty() ? server : server.from(from);
}

}  // namespace c10k
