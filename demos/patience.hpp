#pragma once

#include <c10k/client.hpp>
#include <c10k/task.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>

// How long a program of many clients waits for its server: as long as anything moves in the program, and 30 s more. A
// slow server or a busy machine is no reason to give up, however long one client waits.
//
// Time in which the program could not run, because it was suspended or busy, does not count.
// Thread: any.
class Patience {
public:
    static constexpr std::chrono::seconds kSilence{30};
    // After this much silence, the program tells the user what it waits for.
    static constexpr std::chrono::seconds kQuiet{5};

    // While it exists, a client waits on purpose and not for the server, so no silence begins.
    class Pause {
    public:
        explicit Pause(Patience& patience) noexcept : pauses_(patience.pauses_) { ++pauses_; }
        ~Pause() { --pauses_; }
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;

    private:
        std::atomic<std::size_t>& pauses_;
    };

    // The options of clients whose program has patience with all of them together. They set no limit for a single
    // client, neither on its handshake nor on the silence of its connection.
    [[nodiscard]] static c10k::EndpointOptions with_no_other_limit(c10k::EndpointOptions options);

    // Notes that a client has sent or received something. Costs next to nothing if others have done so, too.
    void note_movement() noexcept {
        if (!has_moved_.load(std::memory_order_relaxed)) {
            has_moved_.store(true, std::memory_order_relaxed);
        }
    }

    // Suspends until the silence has lasted for kSilence. Stops. Requires: awaited once at a time.
    c10k::Task<> end();
    // Whether the silence has lasted for kQuiet, as end() has seen it.
    [[nodiscard]] bool is_quiet() const noexcept { return is_quiet_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> has_moved_{false};
    std::atomic<bool> is_quiet_{false};
    std::atomic<bool> has_ended_{false};
    std::atomic<std::size_t> pauses_{0};
};
