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
}

Endpoint Spread::endpoint(const Endpoint& server, std::size_t connections) const {
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
        const std::size_t count = std::min(connections / kConnectionsOfAnAddress + 1, kMaxAddresses);
        for (std::size_t i = 1; i <= count; ++i) {
            from.push_back("127.0.0." + std::to_string(i));
        }
        from.emplace_back("::1");  // localhost may be either
    }
    return from.empty() ? server : server.from(from);
}

}  // namespace c10k
