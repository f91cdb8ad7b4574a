#include "server/admission.hpp"

#include <algorithm>

namespace c10k {

std::optional<Admission::AddressSlot> Admission::enter(std::string_view address, std::uint32_t most) {
    const std::lock_guard lock{mutex_};
    make_room();
    const auto [entry, is_new] = slots_.try_emplace(std::string{address}, kUncounted);
    if (is_new) {
        entry->second = free_.back();
        free_.pop_back();
        counts_[entry->second - 1].address = &entry->first;
    }
    Count& count = counts_[entry->second - 1];
    if (count.connections >= most) {
        return std::nullopt;
    }
    ++count.connections;
    return entry->second;
}

void Admission::make_room() {
    if (!free_.empty()) {
        return;
    }
    if (counts_.size() == counts_.capacity()) {
        counts_.reserve(std::max<std::size_t>(2 * counts_.size(), 16));
    }
    free_.reserve(counts_.capacity());
    counts_.emplace_back();
    free_.push_back(static_cast<AddressSlot>(counts_.size()));
}

void Admission::leave(AddressSlot slot) noexcept {
    if (slot == kUncounted) {
        return;
    }
    const std::lock_guard lock{mutex_};
    Count& count = counts_[slot - 1];
    if (--count.connections == 0) {
        slots_.erase(slots_.find(*count.address));
        free_.push_back(slot);
    }
}

}  // namespace c10k
