#pragma once

#include <cstddef>
#include <cstdint>

namespace c10k {

// Whether a peer that is silent is still there: it is sent a ping, and is dead if nothing comes after that, either.
class Keepalive {
public:
    enum class Verdict : std::uint8_t { kPing, kDead };

    // The peer has sent something.
    void note_activity() noexcept { is_pinged_ = false; }
    // A send() is unanswered when the ping is sent: the kernel had no room for it.
    void note_stall() noexcept { is_stalled_ = true; }
    // A late answer to a send() has come; `bytes` is 0 if the kernel was full and has room again. Returns whether it
    // shows that the peer lives, since its kernel has taken something.
    [[nodiscard]] bool note_answer(std::size_t bytes) noexcept {
        if (bytes > 0 && !is_stalled_) {
            return false;
        }
        is_pinged_ = false;
        is_stalled_ = false;
        return true;
    }
    // The peer has been silent for as long as it may.
    [[nodiscard]] Verdict check() noexcept {
        is_stalled_ = false;
        const bool is_dead = is_pinged_;
        is_pinged_ = true;
        return is_dead ? Verdict::kDead : Verdict::kPing;
    }

private:
    bool is_pinged_ : 1 = false;   // and nothing has come since
    bool is_stalled_ : 1 = false;  // at the time of that ping
};

}  // namespace c10k
