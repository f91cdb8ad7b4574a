#include "loop/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace c10k {

TimerWheel::~TimerWheel() {
    for (Level& level : levels_) {
        for (Slot& slot : level.slots) {
            while (slot.next_ != nullptr && slot.next_ != &slot) {
                remove(*slot.next_);
            }
            slot.next_ = nullptr;  // so that the slot's own destructor has nothing to unlink
        }
    }
}

void TimerWheel::add(Timer& timer, std::int64_t tick) noexcept {
    constexpr std::int64_t kHorizon = (std::int64_t{1} << (kDigitBits * kLevels)) - 1;
    timer.tick_ = std::clamp(tick, now_, std::max(now_, kHorizon));
    const auto difference = static_cast<std::uint64_t>(timer.tick_ ^ now_);
    const int level = difference == 0 ? 0 : (std::bit_width(difference) - 1) / kDigitBits;
    const int slot = static_cast<int>((timer.tick_ >> (level * kDigitBits)) & (kSlots - 1));
    Level& home = levels_[static_cast<std::size_t>(level)];
    home.occupied |= std::uint64_t{1} << slot;
    link_before(home.slots[static_cast<std::size_t>(slot)], timer);
}

void TimerWheel::remove(Timer& timer) noexcept {
    timer.previous_->next_ = timer.next_;
    timer.next_->previous_ = timer.previous_;
    timer.previous_ = nullptr;
    timer.next_ = nullptr;
}

void TimerWheel::link_before(Timer& position, Timer& timer) noexcept {
    if (position.next_ == nullptr) {
        position.next_ = &position;
        position.previous_ = &position;
    }
    timer.next_ = &position;
    timer.previous_ = position.previous_;
    position.previous_->next_ = &timer;
    position.previous_ = &timer;
}

std::optional<TimerWheel::Due> TimerWheel::next_slot() const noexcept {
    for (int level = 0; level < kLevels; ++level) {
        const std::uint64_t occupied = levels_[static_cast<std::size_t>(level)].occupied;
        if (occupied == 0) {
            continue;
        }
        // Every timer left on a level lies ahead of the present, so the lowest slot is the next one.
        const int slot = std::countr_zero(occupied);
        const int shift = level * kDigitBits;
        const std::int64_t start =
            (now_ >> (shift + kDigitBits) << (shift + kDigitBits)) | (std::int64_t{slot} << shift);
        return Due{start, level, slot};
    }
    return std::nullopt;
}

std::optional<std::int64_t> TimerWheel::next() const noexcept {
    const auto due = next_slot();
    return due ? std::optional{due->tick} : std::nullopt;
}

int TimerWheel::advance(std::int64_t now) {
    int fired = 0;
    while (const auto due = next_slot()) {
        if (due->tick > now) {
            break;
        }
        now_ = std::max(now_, due->tick);
        Level& level = levels_[static_cast<std::size_t>(due->level)];
        level.occupied &= ~(std::uint64_t{1} << due->slot);
        Slot& slot = level.slots[static_cast<std::size_t>(due->slot)];
        // A timer that fires may start and cancel others: take them off one by one, and only those that are here now.
        Slot taken;
        if (slot.next_ == nullptr || slot.next_ == &slot) {
            continue;
        }
        taken.next_ = slot.next_;
        taken.previous_ = slot.previous_;
        taken.next_->previous_ = &taken;
        taken.previous_->next_ = &taken;
        slot.next_ = &slot;
        slot.previous_ = &slot;
        while (taken.next_ != &taken) {
            Timer& timer = *taken.next_;
            remove(timer);
            if (due->level == 0) {
                ++fired;
                timer.on_time();
            } else {
                add(timer, timer.tick_);
            }
        }
        taken.next_ = nullptr;
    }
    now_ = std::max(now_, now);
    return fired;
}

}  // namespace c10k
