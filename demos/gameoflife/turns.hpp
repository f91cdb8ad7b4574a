#pragma once

#include "gameoflife/grid.hpp"
#include "gameoflife/pace.hpp"

#include <c10k/timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace life {

// Which step each cell may send, and when, as the user's commands have it: play, pause, step, speed, hold.
//
// A pause ends with all cells at the same step: the one that the furthest has sent when the pause begins. So one word
// has both the furthest step and whether the game is paused, and a cell goes beyond the furthest step only by changing
// that word.
// Thread: any; but one at a time gives commands.
class Turns {
public:
    using Clock = std::chrono::steady_clock;

    // What a cell waits for that has nothing to wait for but a command.
    static constexpr c10k::Duration kUntilCommand = std::chrono::hours{24};

    static constexpr std::uint64_t kMaxSteps = 1'000'000;

    // Without `last` the game has no last step.
    Turns(Pace& pace, std::optional<std::uint64_t> last) noexcept : pace_(pace), last_(last) {}

    // How long the cell has to wait before it asks again; zero if it may send `step` now, which it then has to do;
    // nothing if the game ends before that step. `sent` is when it sent the step before.
    [[nodiscard]] std::optional<c10k::Duration> wait_before(std::uint64_t step, Position cell, Clock::time_point sent);

    // ---- Commands. The cells that wait have to ask again after each.

    void play() noexcept;
    void pause() noexcept;
    // Lets each cell of a paused game go on by `count` steps, at most kMaxSteps in all. The next command of play, pause
    // and end takes back those that no cell has begun.
    void step(std::uint64_t count) noexcept;
    // This cell waits; a cell that was held before goes on.
    void hold(Position cell) noexcept;
    void release() noexcept;
    // Ends the game when all cells are at the same step, whatever it is.
    void end() noexcept;
    // Begins another game.
    void begin() noexcept;

    [[nodiscard]] bool is_paused() const noexcept { return frontier().mode == Mode::kPaused; }
    [[nodiscard]] bool is_ending() const noexcept { return frontier().mode == Mode::kEnding; }
    [[nodiscard]] std::optional<Position> held() const noexcept;

private:
    enum class Mode : std::uint8_t {
        kPlaying,  // each cell that knows its neighbours' states goes on at its pace
        kPaused,   // the cells go on as far as the furthest step, and by the steps that are left
        kEnding,   // and then the game is over
    };
    struct Frontier {
        std::uint64_t step = 0;  // the furthest that a cell may have sent
        Mode mode = Mode::kPlaying;
        std::uint64_t left = 0;  // steps that a paused game may still go on
    };
    using Word = std::uint64_t;

    [[nodiscard]] static Word pack(Frontier frontier) noexcept;
    [[nodiscard]] static Frontier unpack(Word word) noexcept;
    [[nodiscard]] Frontier frontier() const noexcept { return unpack(frontier_); }
    template <typename Change>
    void change(Change change) noexcept;

    Pace& pace_;
    std::optional<std::uint64_t> last_;
    std::atomic<Word> frontier_{0};
    std::atomic<std::uint32_t> held_{kNobody};  // row * kMaxSize + column

    static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
};

}  // namespace life
