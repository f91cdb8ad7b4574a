#pragma once

#include "c10k/message.hpp"
#include "live/connection_facts.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// A message of a WebSocket that a page follows.
struct FollowedMessage {
    enum class Way : std::uint8_t { kIn, kOut };

    std::int64_t at = 0;  // ms since 1970
    Way way = Way::kIn;
    Message::Kind kind = Message::Kind::kText;
    std::size_t bytes = 0;  // of the payload
    std::string beginning;  // of the payload, at most Follower::kMostBytes
};

// Some of its messages, in their order.
struct FollowedMessages {
    std::vector<FollowedMessage> messages;
    std::uint64_t skipped = 0;  // behind them
    bool has_ended = false;     // the WebSocket is closed: nothing follows
    std::uint16_t code = 0;     // how it has ended
};

// Collects the messages of one WebSocket for a page. It never holds the WebSocket up: it keeps few messages, and of
// each only the beginning, gives them away in batches, one at a time, and counts what has no room meanwhile. Thread:
// that of the WebSocket's loop, but for note_taken().
class Follower {
public:
    static constexpr std::size_t kMostMessages = 60;
    static constexpr std::size_t kMostBytes = 512;
    using Give = std::function<void(FollowedMessages)>;

    // `give` gets a batch, and note_taken() follows once the page has it.
    Follower(ConnectionId followed, Give give) : followed_(followed), give_(std::move(give)) {}

    [[nodiscard]] const ConnectionId& followed() const noexcept { return followed_; }
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
    void note(FollowedMessage::Way way, Message::Kind kind, std::string_view payload);
    void note_end(std::uint16_t code) noexcept;
    // Gives the kept messages away, unless the batch before is still on its way.
    void give();
    // Thread: any.
    void note_taken() noexcept { is_on_its_way_ = false; }

private:
    ConnectionId followed_;
    Give give_;
    FollowedMessages kept_;
    bool has_ended_ = false;
    std::atomic<bool> is_on_its_way_{false};
};

}  // namespace c10k
