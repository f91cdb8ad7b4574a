#pragma once

#include "base/address.hpp"
#include "c10k/client.hpp"
#include "c10k/limits.hpp"
#include "connection/handshake_window.hpp"
#include "http2/http2_events.hpp"
#include "tls/tls_context.hpp"
#include "wire/url.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace c10k {

// All that is known of a server before anybody connects to it. Never changes, but for the turn of its addresses.
struct Endpoint::Data {
    std::string url;
    wire::Url parsed;
    std::vector<Address> addresses;  // at least one
    EndpointOptions options;
    WebSocketLimits limits;
    Http2Options http2;
    std::shared_ptr<const TlsContext> tls;  // null for ws://
    HandshakeWindows::Key windows_key;
    std::vector<Address> sources;

    // Where the next connection to an address of this family comes from. Thread: any.
    [[nodiscard]] Address next_source(int family) const noexcept {
        for (std::size_t i = 0; i < sources.size(); ++i) {
            const Address& source = sources[next_.fetch_add(1, std::memory_order_relaxed) % sources.size()];
            if (source.family() == family) {
                return source;
            }
        }
        return {};
    }

    // Which of the addresses to dial first: the one that answered last. Thread: any.
    [[nodiscard]] std::size_t first() const noexcept { return first_.load(std::memory_order_relaxed); }
    void note_answer(std::size_t address) const noexcept {
        if (address != first()) {
            first_.store(address, std::memory_order_relaxed);
        }
    }

    Data() = default;
    Data(const Data& other)
        : url(other.url), parsed(other.parsed), addresses(other.addresses), options(other.options),
          limits(other.limits), http2(other.http2), tls(other.tls), windows_key(other.windows_key),
          sources(other.sources) {}
    Data& operator=(const Data&) = delete;

private:
    mutable std::atomic<std::uint32_t> next_{0};
    mutable std::atomic<std::size_t> first_{0};
};

}  // namespace c10k
