#pragma once

#include <c10k/client.hpp>
#include <c10k/command_options.hpp>

#include <cstddef>
#include <string>

// How the clients of a demo spread over loops, and over the addresses of this machine.
class Spread {
public:
    // --workers and --sources, stored in this object.
    void declare_options(c10k::CommandOptions& options);

    [[nodiscard]] std::size_t loops() const noexcept { return loops_; }
    // Returns `server` with source addresses enough for `connections`. Throws std::runtime_error if one is no address,
    // or of another family than the server's.
    [[nodiscard]] c10k::Endpoint endpoint(const c10k::Endpoint& server, std::size_t connections) const;

private:
    std::size_t loops_ = 1;
    std::string sources_;  // "127.0.0.2,127.0.0.3"; empty: as many loopback addresses as it takes
};
