#include "spread.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

c10k::Endpoint Spread::endpoint(const c10k::Endpoint& server, std::size_t connections) const {
    // An address has 28,000 ports, and looking for a free one takes the longer the more are taken.
    constexpr std::size_t kConnectionsOfAnAddress = 1000;
    constexpr std::size_t kMostAddresses = 250;
    std::vector<std::string> from;
    if (!sources.empty()) {
        std::istringstream list{sources};
        for (std::string source; std::getline(list, source, ',');) {
            from.push_back(source);
        }
    } else if (server.is_loopback()) {
        const std::size_t count = std::min(connections / kConnectionsOfAnAddress + 1, kMostAddresses);
        for (std::size_t i = 1; i <= count; ++i) {
            from.push_back("127.0.0." + std::to_string(i));
        }
    }
    return from.empty() ? server : server.from(from);
}
