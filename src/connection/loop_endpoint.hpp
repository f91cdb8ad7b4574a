#pragma once

#include "connection/endpoint.hpp"
#include "connection/handshake_window.hpp"
#include "connection/loop_services.hpp"
#include "connection/shared_connections.hpp"

#include <cstddef>
#include <map>
#include <optional>

namespace c10k {

// The clients of one loop that connect to one endpoint share this: each needs only a pointer to it.
class LoopEndpoint {
public:
    class Use;

    LoopEndpoint(LoopServices& services, const Endpoint::Data& server);

    [[nodiscard]] const Endpoint::Data& server() const noexcept { return server_; }
    [[nodiscard]] LoopServices& services() const noexcept { return services_; }
    [[nodiscard]] HandshakeWindow& opening() const noexcept { return windows_->opening; }
    [[nodiscard]] HandshakeWindow& closing() const noexcept { return windows_->closing; }
    // Null unless the endpoint wants HTTP/2.
    [[nodiscard]] SharedConnections::Use* connections() noexcept { return connections_ ? &*connections_ : nullptr; }

private:
    const Endpoint::Data& server_;
    LoopServices& services_;
    HandshakeWindows::Use windows_;
    std::optional<SharedConnections::Use> connections_;
    std::size_t clients_ = 0;
};

// One client's: the first makes the LoopEndpoint, and the last destroys it.
class LoopEndpoint::Use {
public:
    // Requires: `server` lives until the use ends.
    Use(LoopServices& services, const Endpoint::Data& server);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    LoopEndpoint* operator->() const noexcept { return &endpoint_; }

private:
    LoopEndpoint& endpoint_;
};

// Those of a loop.
class LoopEndpoints {
    friend class LoopEndpoint::Use;

    std::map<const Endpoint::Data*, LoopEndpoint> endpoints_;
};

}  // namespace c10k
