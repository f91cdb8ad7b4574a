#pragma once

#include "c10k/faults.hpp"
#include "testkit/prng.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace c10k::testkit {

// How a network in memory behaves: asked about each thing that happens on it, it draws the answer, and keeps count.
// Fair weather draws nothing, and lets all pass.
class FaultInjector {
public:
    FaultInjector() = default;
    FaultInjector(const Faults& faults, std::uint64_t seed) : faults_(faults), prng_(seed, kPurpose), is_fair_(false) {}

    [[nodiscard]] bool is_off() const noexcept { return is_fair_; }
    // From now on nothing goes wrong any more.
    void stop() noexcept { faults_ = Faults{.kernel_bytes = faults_.kernel_bytes}; }
    [[nodiscard]] const FaultCounts& counts() const noexcept { return counts_; }

    // How much of what could be read or written at once is. Requires: bytes > 0.
    std::size_t part_of_read(std::size_t bytes) noexcept { return part(bytes, faults_.cut_read, counts_.cut_reads); }
    std::size_t part_of_write(std::size_t bytes) noexcept { return part(bytes, faults_.cut_write, counts_.cut_writes); }
    bool is_full() noexcept { return happens(faults_.full, counts_.full); }
    bool answers_late() noexcept { return happens(faults_.late_answer, counts_.late_answers); }
    bool holds_back() noexcept { return happens(faults_.held_back, counts_.held_back); }
    bool fails_accept() noexcept { return happens(faults_.failed_accept, counts_.failed_accepts); }
    bool fails_send() noexcept { return happens(faults_.failed_send, counts_.failed_sends); }
    bool fails_finish() noexcept { return happens(faults_.failed_finish, counts_.failed_finishes); }
    bool fails_close() noexcept { return happens(faults_.failed_close, counts_.failed_closes); }
    bool refuses() noexcept { return happens(faults_.refused, counts_.refused); }
    // In milliseconds.
    std::int64_t pause() noexcept;
    std::int64_t delay() noexcept;
    // How many bytes one direction of a new connection holds.
    std::size_t kernel_bytes() noexcept;

    // What becomes of a piece of bytes.
    enum class LinkFault : std::uint8_t { kNone, kReset, kHalfClose, kSilence };
    LinkFault blow() noexcept;
    // How much of such a piece arrives before the blow.
    std::size_t before_blow(std::size_t bytes) noexcept { return prng_.below(bytes + 1); }

    // The numbers from 0 to `count` - 1 in the order in which their turn comes.
    std::span<const std::uint32_t> order(std::size_t count);
    // With which of `count` steps to begin. Requires: count > 0.
    std::size_t first_of(std::size_t count) noexcept { return is_fair_ ? 0 : prng_.below(count); }

private:
    static constexpr std::uint64_t kPurpose = 1;

    bool happens(double chance, std::uint64_t& count) noexcept;
    std::size_t part(std::size_t bytes, double chance, std::uint64_t& count) noexcept;

    Faults faults_;
    Prng prng_{0, kPurpose};
    FaultCounts counts_;
    std::vector<std::uint32_t> order_;
    bool is_fair_ = true;
};

}  // namespace c10k::testkit
