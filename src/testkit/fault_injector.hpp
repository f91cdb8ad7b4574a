#pragma once

#include "base/address.hpp"
#include "c10k/faults.hpp"
#include "testkit/prng.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace c10k::testkit {

// The one source of what goes wrong on a network in memory, and of how much goes at once. The network asks it about
// each thing that happens; it answers, and counts what it has done.
//
// A simulation gives it a seed and chances. A test of one thing needs no seed: it sets limits in faults(), and says
// which accept, call or host is to fail.
class FaultInjector {
public:
    // How a host answers a connect.
    struct Dial {
        static constexpr std::int64_t kNever = INT64_MAX;

        bool refuses = false;       // also if somebody listens there
        std::int64_t after_ms = 0;  // until the answer
    };

    FaultInjector() = default;
    FaultInjector(const Faults& faults, std::uint64_t seed)
        : faults_(faults), prng_(seed, kPurpose), is_seeded_(true) {}

    // ---- What a test says

    // May be changed at any time.
    [[nodiscard]] Faults& faults() noexcept { return faults_; }
    // The next accepts find no descriptor (EMFILE).
    void fail_accepts(int count) noexcept { failing_accepts_ = count; }
    // So many more calls of send(), shutdown_write() and close() on connected sockets succeed. The one after them finds
    // the connection broken.
    void fail_call_after(std::size_t calls) noexcept { calls_until_failure_ = calls; }
    [[nodiscard]] bool has_failed_call() const noexcept { return calls_until_failure_ == SIZE_MAX; }
    // How each host answers. Without it, every host answers at once.
    void answer_dials(std::function<Dial(const Address&)> answer) { dial_ = std::move(answer); }
    // From now on nothing goes wrong any more.
    void stop() noexcept { faults_ = Faults{.kernel_bytes = faults_.kernel_bytes}; }

    [[nodiscard]] const FaultCounts& counts() const noexcept { return counts_; }

    // ---- What the network asks

    // Whether a seed decides the order of what happens at the same time.
    [[nodiscard]] bool is_seeded() const noexcept { return is_seeded_; }
    // The numbers from 0 to `count` - 1 in the order in which their turn comes.
    std::span<const std::uint32_t> order(std::size_t count);
    // With which of `count` steps to begin. Requires: count > 0.
    std::size_t first_of(std::size_t count) noexcept { return is_seeded_ ? prng_.below(count) : 0; }

    [[nodiscard]] Dial dial(const Address& host) const { return dial_ ? dial_(host) : Dial{}; }
    // Whether hosts answer in an order of their own, not in that of the connects.
    [[nodiscard]] bool may_reorder_dials() const noexcept { return dial_ != nullptr; }

    // How many of the bytes that could be read or written at once are. Requires: bytes > 0.
    std::size_t part_of_read(std::size_t bytes) noexcept {
        return part(std::min(bytes, faults_.read_bytes), faults_.cut_read, counts_.cut_reads);
    }
    std::size_t part_of_write(std::size_t bytes) noexcept {
        return part(std::min(bytes, faults_.write_bytes), faults_.cut_write, counts_.cut_writes);
    }
    bool is_full() noexcept { return happens(faults_.full, counts_.full); }
    bool answers_late() noexcept { return happens(faults_.late_answer, counts_.late_answers); }
    bool holds_back() noexcept { return happens(faults_.held_back, counts_.held_back); }
    bool refuses() noexcept { return happens(faults_.refused, counts_.refused); }
    bool fails_accept() noexcept;
    bool fails_send() noexcept { return fails(faults_.failed_send, counts_.failed_sends); }
    bool fails_finish() noexcept { return fails(faults_.failed_finish, counts_.failed_finishes); }
    bool fails_close() noexcept { return fails(faults_.failed_close, counts_.failed_closes); }
    // In milliseconds.
    std::int64_t pause() noexcept;
    std::int64_t delay() noexcept;
    // How many bytes one direction of a new connection holds, beside the limit in faults().
    std::size_t kernel_bytes() noexcept;

    // The fate of a piece of bytes.
    enum class LinkFault : std::uint8_t { kNone, kReset, kHalfClose, kSilence };
    LinkFault link_fault() noexcept;
    // How much of such a piece arrives before the fault.
    std::size_t before_fault(std::size_t bytes) noexcept { return prng_.below(bytes + 1); }

private:
    static constexpr std::uint64_t kPurpose = 1;

    bool happens(double chance, std::uint64_t& count) noexcept;
    // The same for a call that a test may have picked.
    bool fails(double chance, std::uint64_t& count) noexcept;
    std::size_t part(std::size_t bytes, double chance, std::uint64_t& count) noexcept;

    Faults faults_;
    std::function<Dial(const Address&)> dial_;
    std::size_t calls_until_failure_ = SIZE_MAX;
    int failing_accepts_ = 0;
    Prng prng_{0, kPurpose};
    FaultCounts counts_;
    std::vector<std::uint32_t> order_;
    bool is_seeded_ = false;
};

}  // namespace c10k::testkit
