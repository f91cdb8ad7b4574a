#pragma once

#include <atomic>
#include <thread>

namespace c10k {

// Keeps an object alive while signal handlers use it: a handler may run on any thread, and be anywhere in its work when
// another thread wants to destroy that object.
//
// All atomics are sequentially consistent: a handler that enters after wait_until_empty() found nobody inside sees that
// the object is no longer to be found.
class HandlerGate {
public:
    // A handler's stay. It begins before the handler looks for the object.
    class Visit {
    public:
        explicit Visit(HandlerGate& gate) noexcept : gate_(gate) { ++gate_.inside_; }
        ~Visit() { --gate_.inside_; }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

    private:
        HandlerGate& gate_;
    };

    // Call this when no handler can find the object any more, and before you destroy it.
    void wait_until_empty() const noexcept {
        while (inside_ > 0) {
            std::this_thread::yield();
        }
    }

private:
    std::atomic<int> inside_{0};
};

}  // namespace c10k
