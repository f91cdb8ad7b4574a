#pragma once

#include <c10k/client.hpp>
#include <c10k/task.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>

// How long a program of many clients waits for its server: for as long as anything at all moves in the program, and 30
// s more. A slow server, or a machine that has other things to do, is no reason to give up, however long one client
// waits.
//
// Time in which nothing in the program could run, because it was paused or computed something, does not count.
// Thread: any.
class Patience {
public:
    static constexpr std::chrono::seconds kSilence{30};
    // A silence of so long is worth telling the user what is awaited.
    static constexpr std::chrono::seconds kQuiet{5};

    // For as long as it exists, a client waits on purpose, and not for the server: the silence does not begin.
    class Pause {
    public:
        explicit Pause(Patience& patience) noexcept : pauses_(patience.pauses_) { ++pauses_; }
        ~Pause() { --pauses_; }
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;

    private:
        std::atomic<std::size_t>& pauses_;
    };

    // The options of clients whose program has patience with all of them together: a limit of one client's own, on its
    // handshake or on the silence of its connection, would be another measure.
    [[nodiscard]] static c10k::EndpointOptions with_no_other_limit(c10k::EndpointOptions options);

    // A client has sent or received something. Costs next to nothing if others have done so, too.
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
