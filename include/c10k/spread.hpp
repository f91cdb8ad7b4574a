#pragma once

#include "c10k/client.hpp"
#include "c10k/command_options.hpp"

#include <cstddef>
#include <string>

namespace c10k {

// How the clients of a command spread over loops, and over the addresses of this machine.
//
//     spread_.declare_options(options);
//     ...
//     const Endpoint server = spread_.endpoint(Endpoint{url_}, clients_);
//     co_await on_loops(spread_.loops(), [&](std::size_t loop) { ... });
class Spread {
public:
    // --workers (or --loops) and --sources, stored in this object.
    void declare_options(CommandOptions& options);

    [[nodiscard]] std::size_t loops() const noexcept { return loops_; }
    // Returns `server` with source addresses enough for `connections`. Throws std::runtime_error if one is no address,
    // or of another family than the server's.
    [[nodiscard]] Endpoint endpoint(const Endpoint& server, std::size_t connections) const;

private:
    std::size_t loops_ = 1;
    std::string sources_;  // "127.0.0.2,127.0.0.3"; empty: as many loopback addresses as it takes
};

}  // namespace c10k
