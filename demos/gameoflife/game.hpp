#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace life {

// The current game, as the loops of a server share it: one of Values, as text.
struct Game {
    enum class Phase : std::uint8_t {
        kConnecting,   // workers are coming
        kSubscribing,  // all are there and name their neighbours
        kRunning,      // states are relayed
    };

    static constexpr int kDefaultSize = 32;
    static constexpr int kMaxSize = 4096;

    std::uint64_t number = 0;  // each game's is one more than that of the game before
    int size = kDefaultSize;
    Phase phase = Phase::kConnecting;
    std::uint64_t resets = 0;  // up to this game: others begin when all workers have left

    [[nodiscard]] std::uint64_t cells() const noexcept { return static_cast<std::uint64_t>(size) * size; }

    [[nodiscard]] std::string text() const;
    // Requires: `text` is what text() returned.
    static Game parse(std::string_view text);
};

}  // namespace life
