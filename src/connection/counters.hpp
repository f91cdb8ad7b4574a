#pragma once

#include "c10k/close_code.hpp"
#include "c10k/limits.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace c10k {

// A number that one thread counts up, and any may read. To count costs as much as with a plain integer.
class Counter {
public:
    void add(std::uint64_t more = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void subtract(std::uint64_t less = 1) noexcept { add(~less + 1); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// The counts of one loop's connections. A reader that shares it may read it even after the loop has ended.
// Thread: that of the loop counts.
struct Counters : std::enable_shared_from_this<Counters> {
    Counter accepted;         // connections
    Counter accept_failures;  // because descriptors or memory had run out
    Counter proxy_failures;   // connections that should have begun with a PROXY header, and did not
    Counter open;             // clients now: see Admission
    Counter open_tcp;         // TCP connections now
    Counter opened;           // WebSockets
    Counter late_failures;    // of calls on sockets that were closed by then: no owner has heard of them
    Counter dropped;          // messages that slow members of routes that drop some have not got
    std::array<Counter, kLimitCount> limit_strikes;

    void count(Limit limit) noexcept { limit_strikes[static_cast<std::size_t>(limit)].add(); }
    // How often a limit has struck.
    [[nodiscard]] std::uint64_t strikes(Limit limit) const noexcept {
        return limit_strikes[static_cast<std::size_t>(limit)].value();
    }

    // WebSockets that were closed with a code, or lost (1006): each of RFC 6455 by itself, then those of libraries
    // (3000 to 3999) and of applications (4000 to 4999) together (RFC 6455, 7.4.2).
    static constexpr std::uint16_t kFirstCode = CloseCode::kNormal;
    static constexpr std::size_t kCodes = 16;
    std::array<Counter, kCodes + 2> closes;

    void count_close(std::uint16_t code) noexcept {
        const std::size_t own = static_cast<std::size_t>(code) - kFirstCode;
        closes[own < kCodes ? own : kCodes + (code < 4000 ? 0 : 1)].add();
    }
};

}  // namespace c10k
