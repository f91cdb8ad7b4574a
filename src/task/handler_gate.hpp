#pragma once

#include <atomic>
#include <thread>

namespace c10k {

// Keeps what signal handlers use until none of them uses it: a handler may run on any thread, and be anywhere in its
// work when another thread takes that away.
//
// All atomics are sequentially consistent: a handler that enters after wait_until_empty() found nobody inside sees that
// what was taken away before is gone.
class HandlerGate {
public:
    // A handler's stay, from before it looks for what it uses.
    class Visit {
    public:
        explicit Visit(HandlerGate& gate) noexcept : gate_(gate) { ++gate_.inside_; }
        ~Visit() { --gate_.inside_; }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

    private:
        HandlerGate& gate_;
    };

    // To be called when no handler can find any more what is going, and before it goes.
    void wait_until_empty() const noexcept {
        while (inside_ > 0) {
            std::this_thread::yield();
        }
    }

private:
    std::atomic<int> inside_{0};
};

}  // namespace c10k
