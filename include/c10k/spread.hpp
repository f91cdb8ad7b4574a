#pragma once

#include "c10k/client.hpp"
#include "c10k/command_options.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace c10k {

// How the clients of a command spread over loops, over the addresses of this machine, and over connections.
//
//     spread_.declare_options(options);
//     ...
//     EndpointOptions options;
//     options.http2 = spread_.http2();
//     const Endpoint server = spread_.endpoint(Endpoint{url_, options}, clients_);
//     co_await on_loops(spread_.loops(), [&](std::size_t loop) { ... });
class Spread {
public:
    // --workers (or --loops), --sources and --http2, stored in this object.
    void declare_options(CommandOptions& options);

    [[nodiscard]] std::size_t loops() const noexcept { return loops_; }
    // How each loop's clients share connections; empty if each has its own.
    [[nodiscard]] std::optional<Http2> http2() const noexcept;
    // How many TCP connections so many clients take.
    [[nodiscard]] std::size_t connections(std::size_t clients) const noexcept;
    // Says how they share them, such as "1000 WebSockets share 16 connections of HTTP/2"; empty if they do not.
    [[nodiscard]] std::string sharing(std::size_t clients) const;
    // Returns `server` with source addresses enough for so many clients. Throws std::runtime_error if one is no
    // address, or of another family than the server's.
    [[nodiscard]] Endpoint endpoint(const Endpoint& server, std::size_t clients) const;

private:
    std::size_t loops_ = 1;
    std::string sources_;                 // "127.0.0.2,127.0.0.3"; empty: as many loopback addresses as it takes
    std::optional<std::uint32_t> http2_;  // connections of all loops together
};

}  // namespace c10k
