#include "connection/connections.hpp"

namespace c10k {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};
// A crowd that came together falls silent together: spread its pings.
constexpr int kChecksAtOnce = 4096;

}  // namespace

std::uint32_t Connections::add(WebSocketConnection& connection) {
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    slots_[index].connection = &connection;
    slots_[index].due = UINT32_MAX;
    ++count_;
    if (!is_running()) {
        start(kSweepInterval);
    }
    return index;
}

void Connections::remove(std::uint32_t slot) noexcept {
    slots_[slot].connection = nullptr;
    ++slots_[slot].generation;
    free_.push_back(slot);
    if (--count_ == 0) {
        cancel();
    }
}

WebSocketConnection* Connections::find(std::uint32_t slot, std::uint32_t generation) const noexcept {
    return slot < slots_.size() && slots_[slot].generation == generation ? slots_[slot].connection : nullptr;
}

Handle Connections::handle(std::uint32_t slot) const {
    Handle handle;
    handle.mailbox_ = loop_.mailbox();
    handle.slot_ = slot;
    handle.generation_ = slots_[slot].generation;
    return handle;
}

void Connections::on_time() {
    start(kSweepInterval);
    const std::uint32_t now = seconds_now();
    int checks = 0;
    for (std::size_t i = 0; i < slots_.size() && checks < kChecksAtOnce; ++i) {
        if (slots_[i].connection != nullptr && slots_[i].due <= now) {
            ++checks;
            const auto next = slots_[i].connection->check_alive();
            slots_[i].due = now + static_cast<std::uint32_t>(next.count());
        }
    }
}

}  // namespace c10k
