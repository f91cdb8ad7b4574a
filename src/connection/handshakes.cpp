#include "connection/handshakes.hpp"

#include <algorithm>
#include <limits>

namespace c10k {

HandshakeWindow::HandshakeWindow(std::uint32_t most, std::chrono::milliseconds limit) noexcept
    : first_(std::min(most, kFirst)), most_(most), quick_(limit / 8), semaphore_(first_) {}

void HandshakeWindow::note_success(std::chrono::milliseconds took) {
    ++successes_;
    if (took > quick_) {
        semaphore_.set_limit(std::min(semaphore_.limit(), first_));
    } else if (semaphore_.limit() < most_) {
        semaphore_.set_limit(semaphore_.limit() + 1);
    }
}

void HandshakeWindow::open() {
    first_ = most_ = std::numeric_limits<std::size_t>::max();
    semaphore_.set_limit(most_);
}

Handshakes::Use::Use(Handshakes& all, const void* server, std::uint32_t most, std::chrono::milliseconds handshake_time,
                     std::chrono::milliseconds close_time)
    : all_(all), server_(server),
      windows_(all.servers_.try_emplace(server, most, handshake_time, close_time).first->second) {
    ++windows_.clients;
}

Handshakes::Use::~Use() {
    if (--windows_.clients == 0) {
        all_.servers_.erase(server_);
    }
}

}  // namespace c10k
