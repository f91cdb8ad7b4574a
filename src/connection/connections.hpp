#pragma once

#include "c10k/websocket.hpp"
#include "connection/websocket_connection.hpp"
#include "loop/loop.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace c10k {

// The WebSockets of one loop: who is behind a handle, and who has been silent for too long.
class Connections final : private Timer {
public:
    explicit Connections(Loop& loop) noexcept : loop_(loop) {}

    // The slot that `connection` gets until it is removed.
    std::uint32_t add(WebSocketConnection& connection);
    void remove(std::uint32_t slot) noexcept;
    [[nodiscard]] WebSocketConnection* find(std::uint32_t slot, std::uint32_t generation) const noexcept;
    [[nodiscard]] Handle handle(std::uint32_t slot) const;
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // The peer has been heard: check_alive() is due after `silence` from now.
    void heard(std::uint32_t slot, std::chrono::seconds silence) noexcept {
        slots_[slot].due = seconds_now() + static_cast<std::uint32_t>(silence.count());
    }

private:
    struct Slot {
        WebSocketConnection* connection = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t due = 0;  // when its peer must have been heard, in seconds of the loop's clock
    };

    // Once a second over one dense array, which costs less than a timer for each connection.
    void on_time() override;
    [[nodiscard]] std::uint32_t seconds_now() const noexcept { return static_cast<std::uint32_t>(loop_.now() / 1000); }

    Loop& loop_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t count_ = 0;
};

}  // namespace c10k
