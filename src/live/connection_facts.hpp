#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// Names one WebSocket of a program for as long as it lives: "a41f", or "a41f-2" if others had its place before.
struct ConnectionId {
    std::uint32_t loop = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    [[nodiscard]] std::string text(std::uint32_t loops) const;
    // Empty if the text names none.
    [[nodiscard]] static std::optional<ConnectionId> parse(std::string_view text, std::uint32_t loops);

    friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
};

// What the dashboard knows of one WebSocket. The texts live as long as that does.
struct ConnectionView {
    ConnectionId id;
    std::string_view route = {};
    std::string_view path = {};
    std::string_view peer = {};
    std::uint64_t received = 0;  // messages
    std::uint64_t sent = 0;
    std::uint64_t queued = 0;  // bytes
    std::uint64_t memory = 0;
    std::int64_t age = 0;   // ms
    std::int64_t idle = 0;  // ms since the last message, either way
    std::int64_t slow = 0;  // ms for which it has been slow
    std::int64_t slow_time = 0;
    bool is_compressed = false;
};

// The same with texts of its own.
struct ConnectionFacts : ConnectionView {
    explicit ConnectionFacts(const ConnectionView& view)
        : ConnectionView(view), own_route(view.route), own_path(view.path), own_peer(view.peer) {
        route = path = peer = {};
    }

    std::string own_route;
    std::string own_path;
    std::string own_peer;
};

}  // namespace c10k
