#include "connection/handshake_window.hpp"

#include <algorithm>
#include <limits>

namespace c10k {

HandshakeWindow::HandshakeWindow(std::uint32_t most) noexcept
    : first_(std::min(most, kFirst)), most_(most), semaphore_(first_) {}

void HandshakeWindow::note_success(std::chrono::milliseconds took, std::chrono::milliseconds limit) {
    ++successes_;
    if (took > limit / 8) {
        semaphore_.set_limit(std::min(semaphore_.limit(), first_));
    } else if (semaphore_.limit() < most_) {
        semaphore_.set_limit(semaphore_.limit() + 1);
    }
}

void HandshakeWindow::open() {
    first_ = most_ = std::numeric_limits<std::size_t>::max();
    semaphore_.set_limit(most_);
}

HandshakeWindows::Use::Use(HandshakeWindows& all, const Key& key)
    : all_(all), entry_(all.servers_.try_emplace(key, key.most).first) {
    ++entry_->second.clients;
}

HandshakeWindows::Use::~Use() {
    if (--entry_->second.clients == 0) {
        all_.servers_.erase(entry_);
    }
}

}  // namespace c10k
