#pragma once

#include "c10k/limits.hpp"
#include "c10k/websocket.hpp"

#include <cstddef>
#include <cstdint>

namespace c10k {

// Measures how far a peer is behind with messages from groups and handles, and judges by its route's policy what is to
// be done if that is too far: WebSocketConnection::apply_slow_policy() does it. Times are milliseconds of the loop's
// clock, cut to 32 bits.
class SlowMemberGauge {
public:
    enum class Verdict : std::uint8_t {
        kRoom,        // one more message may be queued
        kDropOldest,  // the same, once the oldest messages are dropped
        kDropNewest,  // the message is not queued
        kClose,       // the peer is closed
    };
    struct Judgement {
        Verdict verdict = Verdict::kRoom;
        Limit limit = {};             // that has struck
        std::size_t limit_bytes = 0;  // that the outbox is over
    };

    explicit SlowMemberGauge(SlowMember policy) noexcept : policy_(policy) {}
    [[nodiscard]] SlowMember policy() const noexcept { return policy_; }
    void set_policy(SlowMember policy) noexcept { policy_ = policy; }

    // The outbox has grown to more than slow_bytes.
    void note_large(std::uint32_t now) noexcept {
        if (!is_slow_) {
            is_slow_ = true;
            was_slow_ = true;
            since_ = now;
        }
    }
    // The outbox has shrunk to `bytes`. Returns whether it is empty after it had been large: its memory is free.
    bool note_written(std::size_t bytes, const WebSocketLimits& limits) noexcept {
        if (!was_slow_) {
            return false;
        }
        is_slow_ = is_slow_ && bytes > limits.slow_bytes;
        was_slow_ = bytes > 0;
        return !was_slow_;
    }
    // The outbox has had more than slow_bytes since it was empty.
    [[nodiscard]] bool was_slow() const noexcept { return was_slow_; }
    // The outbox has more than slow_bytes.
    [[nodiscard]] bool is_slow() const noexcept { return is_slow_; }
    // For how many milliseconds. Requires: is_slow().
    [[nodiscard]] std::uint32_t slow_for(std::uint32_t now) const noexcept { return now - since_; }

    [[nodiscard]] Judgement judge(std::size_t bytes, std::uint32_t now, const WebSocketLimits& limits) const noexcept;

private:
    std::uint32_t since_ = 0;  // when the outbox went over slow_bytes
    SlowMember policy_;
    bool is_slow_ : 1 = false;
    bool was_slow_ : 1 = false;  // since the outbox was empty
};

}  // namespace c10k
