#pragma once

#include "c10k/websocket.hpp"
#include "loop/loop.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace c10k {

class WebSocketConnection;

// The WebSockets of one loop: which one is behind a handle, and which peers have been silent for too long.
// Thread: that of the loop, but for jobs(). Handles keep the table when the loop has ended.
class WebSocketTable final : public std::enable_shared_from_this<WebSocketTable>, private Timer {
public:
    explicit WebSocketTable(Loop& loop) noexcept : loop_(loop), jobs_(loop.job_queue()) {}
    // The loop ends: no peer is looked at any more.
    void stop() noexcept { cancel(); }
    // The way to the loop. Thread: any.
    [[nodiscard]] JobQueue& jobs() const noexcept { return *jobs_; }

    // The slot that `connection` gets until it is removed.
    std::uint32_t add(WebSocketConnection& connection);
    void remove(std::uint32_t slot) noexcept;
    [[nodiscard]] WebSocketConnection* find(std::uint32_t slot, std::uint32_t generation) const noexcept;
    [[nodiscard]] WebSocketHandle handle(std::uint32_t slot);
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    // Slots are numbered from 0; some are free.
    [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }
    // Null if the slot is free.
    [[nodiscard]] WebSocketConnection* at(std::size_t slot) const noexcept { return slots_[slot].connection; }
    [[nodiscard]] std::uint32_t generation(std::size_t slot) const noexcept { return slots_[slot].generation; }

    // Notes that the peer is alive: check_alive() is due after `silence` from now.
    void note_activity(std::uint32_t slot, std::chrono::seconds silence) noexcept {
        if (silence < shortest_silence_) {
            note_shorter(silence);
        }
        slots_[slot].due = seconds_now() + static_cast<std::uint32_t>(silence.count());
    }

private:
    struct Slot {
        WebSocketConnection* connection = nullptr;  // null: the slot is free
        std::uint32_t generation = 0;
        // By when the peer must have sent something, in seconds of the loop's clock. In a free slot, the next free one.
        std::uint32_t due = 0;
    };
    static constexpr std::uint32_t kNoSlot = UINT32_MAX;
    static constexpr std::size_t kBlock = 64;  // slots

    // A step of the sweep, which goes round the slots once a second, however many they are: one dense array costs less
    // than a timer for each connection. It passes by the blocks in which nothing is due.
    void on_time() override;
    void start_step();
    // Checks those that are due in a block, and returns how many.
    std::size_t check_block(std::size_t block, std::uint32_t now);
    void note_shorter(std::chrono::seconds silence) noexcept;
    [[nodiscard]] std::uint32_t seconds_now() const noexcept { return static_cast<std::uint32_t>(loop_.now() / 1000); }

    Loop& loop_;
    const std::shared_ptr<JobQueue> jobs_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_ = kNoSlot;
    std::size_t count_ = 0;
    std::size_t next_block_ = 0;  // where the next step goes on
    // Of each block: before this second of the loop's clock, nothing in it is due.
    std::vector<std::uint32_t> due_from_;
    std::chrono::seconds shortest_silence_ = std::chrono::seconds::max();
    std::int64_t stepped_at_ = 0;
};

}  // namespace c10k
