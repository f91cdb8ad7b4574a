#pragma once

#include "program.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace benchmarks {

using Clock = std::chrono::steady_clock;

// Counts how often something took how long; right to 3 %.
class Latencies {
public:
    void add(Clock::duration latency) noexcept;
    void clear() noexcept { counts_.fill(0); }
    // In microseconds; 0 if there is none. Requires: 0 < part < 1.
    [[nodiscard]] double quantile(double part) const noexcept;

private:
    static constexpr unsigned kBitsKept = 6;

    std::array<std::uint64_t, std::size_t{64} << kBitsKept> counts_{};
};

// The counts after the warm-up, for some time or until there have been enough messages, with the CPU time that the
// server's process and this one have taken meanwhile.
class Measurement {
public:
    // Arguments: --seconds (0: no end), --warm-up (seconds), --messages (0: no end), --server (process; 0: unknown).
    explicit Measurement(const Arguments& arguments);

    // The warm-up begins.
    void start();
    void count(std::uint64_t messages) noexcept { messages_ += messages; }
    void add_latency(Clock::duration latency) noexcept { latencies_.add(latency); }
    // Whether it goes on. To be asked often: it is here that the warm-up and the measurement end.
    [[nodiscard]] bool is_running();
    // How many messages there are to be, at most.
    [[nodiscard]] std::uint64_t message_limit() const noexcept { return limit_; }

    // One line of JSON.
    void print() const;

private:
    struct Moment {
        Clock::time_point time;
        std::chrono::nanoseconds server_cpu;
        std::chrono::nanoseconds client_cpu;
    };
    [[nodiscard]] Moment now() const;

    Clock::duration warm_up_;
    Clock::duration length_;
    std::uint64_t limit_;
    int server_;
    bool warm_ = false;
    Moment begin_{};
    Moment end_{};
    std::uint64_t messages_ = 0;
    Latencies latencies_;
};

}  // namespace benchmarks
