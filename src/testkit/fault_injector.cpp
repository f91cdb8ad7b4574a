#include "testkit/fault_injector.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace c10k::testkit {

Faults Faults::benign() {
    Faults faults;
    faults.delay = std::chrono::milliseconds{20};
    faults.cut_read = 0.2;
    faults.cut_write = 0.2;
    faults.full = 0.1;
    faults.late_answer = 0.2;
    faults.held_back = 0.2;
    faults.pause = 0.05;
    faults.longest_pause = std::chrono::milliseconds{200};
    faults.failed_accept = 0.02;
    faults.kernel_bytes = std::size_t{64} * 1024;
    return faults;
}

Faults Faults::harsh() {
    Faults faults = benign();
    faults.refused = 0.02;
    faults.reset = 0.002;
    faults.half_close = 0.002;
    faults.silence = 0.002;
    faults.failed_send = 0.002;
    faults.failed_finish = 0.02;
    faults.failed_close = 0.02;
    return faults;
}

Faults Faults::without_losses() const {
    Faults faults = *this;
    faults.refused = faults.reset = faults.half_close = faults.silence = 0;
    faults.failed_send = faults.failed_finish = faults.failed_close = 0;
    return faults;
}

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) noexcept {
    cut_reads += other.cut_reads;
    cut_writes += other.cut_writes;
    full += other.full;
    late_answers += other.late_answers;
    held_back += other.held_back;
    pauses += other.pauses;
    failed_accepts += other.failed_accepts;
    refused += other.refused;
    resets += other.resets;
    half_closes += other.half_closes;
    silences += other.silences;
    failed_sends += other.failed_sends;
    failed_finishes += other.failed_finishes;
    failed_closes += other.failed_closes;
    return *this;
}

bool FaultInjector::happens(double chance, std::uint64_t& count) noexcept {
    const bool does = prng_.chance(chance);
    count += does ? 1 : 0;
    return does;
}

bool FaultInjector::fails(double chance, std::uint64_t& count) noexcept {
    const bool does = happens(chance, count);
    if (calls_until_failure_ == SIZE_MAX) {
        return does;
    }
    return calls_until_failure_-- == 0;  // and then SIZE_MAX: only that one
}

bool FaultInjector::fails_accept() noexcept {
    if (failing_accepts_ > 0) {
        --failing_accepts_;
        return true;
    }
    return happens(faults_.failed_accept, counts_.failed_accepts);
}

std::size_t FaultInjector::part(std::size_t bytes, double chance, std::uint64_t& count) noexcept {
    return bytes > 1 && happens(chance, count) ? prng_.mostly_small(bytes - 1) : bytes;
}

std::int64_t FaultInjector::pause() noexcept {
    const auto most = static_cast<std::uint64_t>(faults_.longest_pause.count());
    return most > 0 && happens(faults_.pause, counts_.pauses) ? static_cast<std::int64_t>(prng_.mostly_small(most)) : 0;
}

std::int64_t FaultInjector::delay() noexcept {
    const auto most = static_cast<std::uint64_t>(faults_.delay.count());
    return most > 0 ? static_cast<std::int64_t>(prng_.below(most + 1)) : 0;
}

std::size_t FaultInjector::kernel_bytes() noexcept {
    constexpr std::uint64_t kHalvings = 8;
    return is_seeded_ ? std::max<std::size_t>(faults_.kernel_bytes >> prng_.below(kHalvings), 1) : SIZE_MAX;
}

FaultInjector::LinkFault FaultInjector::link_fault() noexcept {
    if (happens(faults_.reset, counts_.resets)) {
        return LinkFault::kReset;
    }
    if (happens(faults_.half_close, counts_.half_closes)) {
        return LinkFault::kHalfClose;
    }
    return happens(faults_.silence, counts_.silences) ? LinkFault::kSilence : LinkFault::kNone;
}

std::span<const std::uint32_t> FaultInjector::order(std::size_t count) {
    if (order_.size() != count) {
        order_.resize(count);
        std::iota(order_.begin(), order_.end(), 0U);
    }
    for (std::size_t left = is_seeded_ ? count : 0; left > 1; --left) {
        std::swap(order_[left - 1], order_[prng_.below(left)]);
    }
    return order_;
}

}  // namespace c10k::testkit
