#pragma once

#include <c10k/client.hpp>

#include <cstddef>
#include <string>

// How the clients of a demo spread over loops and over the addresses of this machine.
struct Spread {
    static constexpr std::size_t kMostLoops = 64;

    std::size_t loops = 1;
    std::string sources;  // "127.0.0.2,127.0.0.3"; empty: as many loopback addresses as it takes

    // `server`, reached by `connections` from the source addresses. Throws std::runtime_error if one is no address.
    [[nodiscard]] c10k::Endpoint endpoint(const c10k::Endpoint& server, std::size_t connections) const;
};
