#include "connection/websocket_table.hpp"

#include "connection/websocket_connection.hpp"

#include <algorithm>
#include <utility>

namespace c10k {
namespace {

constexpr std::int64_t kRoundMs = 1000;
// A crowd that came together falls silent together: a step is small, and then the rest of the loop has its turn. With
// more slots, the steps are more frequent.
constexpr std::size_t kSlotsInAStep = 1024;
constexpr std::size_t kChecksAtOnce = 4096;

}  // namespace

std::uint32_t WebSocketTable::add(WebSocketConnection& connection) {
    std::uint32_t index = first_free_;
    if (index == kNoSlot) {
        index = static_cast<std::uint32_t>(slots_.size());
        due_from_.resize(index / kBlock + 1);
        slots_.emplace_back();
    } else {
        first_free_ = slots_[index].due;
    }
    slots_[index].connection = &connection;
    slots_[index].due = UINT32_MAX;
    ++count_;
    if (!is_running()) {
        stepped_at_ = loop_.now();
        start_step();
    }
    return index;
}

void WebSocketTable::remove(std::uint32_t slot) noexcept {
    slots_[slot].connection = nullptr;
    ++slots_[slot].generation;
    slots_[slot].due = std::exchange(first_free_, slot);
    if (--count_ == 0) {
        cancel();
    }
}

WebSocketConnection* WebSocketTable::find(std::uint32_t slot, std::uint32_t generation) const noexcept {
    return slot < slots_.size() && slots_[slot].generation == generation ? slots_[slot].connection : nullptr;
}

WebSocketHandle WebSocketTable::handle(std::uint32_t slot) {
    WebSocketHandle handle;
    handle.table_ = shared_from_this();
    handle.slot_ = slot;
    handle.generation_ = slots_[slot].generation;
    return handle;
}

void WebSocketTable::start_step() {
    const std::size_t steps = slots_.size() / kSlotsInAStep + 1;
    start(std::chrono::milliseconds{std::max<std::int64_t>(kRoundMs / static_cast<std::int64_t>(steps), 1)});
}

// As many slots as are due since the last step, at most all of them: also if the loop was late.
void WebSocketTable::on_time() {
    start_step();
    const std::int64_t passed = std::clamp<std::int64_t>(loop_.now() - stepped_at_, 1, kRoundMs);
    stepped_at_ = loop_.now();
    const std::uint32_t now = seconds_now();
    std::size_t left = (slots_.size() * static_cast<std::size_t>(passed) + kRoundMs - 1) / kRoundMs;
    for (std::size_t checks = 0; left > 0 && checks + kBlock <= kChecksAtOnce; left -= std::min(left, kBlock)) {
        next_block_ = next_block_ < due_from_.size() ? next_block_ : 0;
        const std::size_t block = next_block_++;
        if (due_from_[block] <= now) {
            checks += check_block(block, now);
        }
    }
}

std::size_t WebSocketTable::check_block(std::size_t block, std::uint32_t now) {
    std::size_t checks = 0;
    // From now on, activity makes no slot due sooner than after the shortest silence.
    auto earliest = now + static_cast<std::uint32_t>(std::min<std::int64_t>(shortest_silence_.count(), kNoSlot - now));
    const std::size_t end = std::min((block + 1) * kBlock, slots_.size());
    for (std::size_t slot = block * kBlock; slot < end; ++slot) {
        WebSocketConnection* connection = slots_[slot].connection;
        if (connection != nullptr && slots_[slot].due <= now) {
            ++checks;
            slots_[slot].due = now + static_cast<std::uint32_t>(connection->check_alive().count());
        }
        if (slots_[slot].connection != nullptr) {
            earliest = std::min(earliest, slots_[slot].due);
        }
    }
    due_from_[block] = earliest;
    return checks;
}

void WebSocketTable::note_shorter(std::chrono::seconds silence) noexcept {
    shortest_silence_ = silence;
    std::fill(due_from_.begin(), due_from_.end(), 0);
}

}  // namespace c10k
