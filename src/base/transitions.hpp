#pragma once

#include <array>
#include <cstddef>

namespace c10k {

// The row for `event` in the state `from` of a table of transitions; null if it has none: nothing happens. A test holds
// each table to one row for a state and an event.
template <typename Transition, std::size_t kRows>
[[nodiscard]] constexpr const Transition* find_row(const std::array<Transition, kRows>& table,
                                                   decltype(Transition::from) from,
                                                   decltype(Transition::event) event) noexcept {
    for (const Transition& transition : table) {
        if (transition.from == from && transition.event == event) {
            return &transition;
        }
    }
    return nullptr;
}

}  // namespace c10k
