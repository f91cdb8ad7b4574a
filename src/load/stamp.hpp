#pragma once

#include "load/pacer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k::load {

// What a broadcast message carries, so that a receiver on any loop can tell how long it was under way: the run that it
// belongs to, when it was due, and when it was sent. A server may put it into a message of its own.
struct Stamp {
    static constexpr std::size_t kBytes = 40;  // "c10k:1234abcd:0123456789ab:0123456789ab;"

    std::uint32_t run = 0;
    Duration due{0};  // both from the beginning of the run
    Duration sent{0};

    [[nodiscard]] std::string text() const;
    // The first stamp in a message, if there is one.
    static std::optional<Stamp> find_in(std::string_view message);
};

}  // namespace c10k::load
