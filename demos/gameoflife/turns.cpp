#include "gameoflife/turns.hpp"

#include <algorithm>

namespace life {

using namespace c10k;

namespace {

// Of a word, from below: two bits for the mode, and these for the steps that are left.
constexpr int kLeftBits = 20;
constexpr std::uint64_t kLeftMask = (std::uint64_t{1} << kLeftBits) - 1;
static_assert(Turns::kMaxSteps <= kLeftMask);

std::uint32_t number_of(Position cell) {
    return static_cast<std::uint32_t>(cell.row) * kMaxSize + static_cast<std::uint32_t>(cell.col);
}

}  // namespace

Turns::Word Turns::pack(Frontier frontier) noexcept {
    return (frontier.step << kLeftBits | frontier.left) << 2 | static_cast<Word>(frontier.mode);
}

Turns::Frontier Turns::unpack(Word word) noexcept {
    return {.step = word >> (kLeftBits + 2), .mode = static_cast<Mode>(word & 3), .left = word >> 2 & kLeftMask};
}

// Replaces the frontier by what `change` makes of it, if that is anything.
template <typename Change>
void Turns::change(Change change) noexcept {
    Word before = frontier_;
    while (!frontier_.compare_exchange_weak(before, pack(change(unpack(before))))) {
    }
}

std::optional<Duration> Turns::wait_before(std::uint64_t step, Position cell, Clock::time_point sent) {
    if (last_ && step > *last_) {
        return std::nullopt;
    }
    Word word = frontier_;
    if (unpack(word).mode == Mode::kPlaying) {
        if (const Duration interval = pace_.interval(cell, step); interval > Duration::zero()) {
            if (const Duration left = interval - (Clock::now() - sent); left > Duration::zero()) {
                return left;
            }
        }
    }
    if (held_ == number_of(cell) && unpack(word).mode != Mode::kEnding) {
        return kUntilCommand;
    }
    for (Frontier now = unpack(word); step > now.step; now = unpack(word)) {
        switch (now.mode) {
            case Mode::kPaused:
                if (step - now.step > now.left) {
                    return kUntilCommand;
                }
                now.left -= step - now.step;
                break;
            case Mode::kEnding: return std::nullopt;
            case Mode::kPlaying: break;
        }
        now.step = step;
        if (frontier_.compare_exchange_weak(word, pack(now))) {
            break;
        }
    }
    return Duration::zero();
}

void Turns::play() noexcept {
    change([](Frontier frontier) {
        return frontier.mode == Mode::kPaused ? Frontier{frontier.step, Mode::kPlaying} : frontier;
    });
}

void Turns::pause() noexcept {
    change([](Frontier frontier) {
        return frontier.mode == Mode::kEnding ? frontier : Frontier{frontier.step, Mode::kPaused};
    });
}

void Turns::step(std::uint64_t count) noexcept {
    change([count](Frontier frontier) {
        if (frontier.mode == Mode::kPaused) {
            frontier.left += std::min(count, kMaxSteps - frontier.left);
        }
        return frontier;
    });
}

void Turns::end() noexcept {
    change([](Frontier frontier) { return Frontier{frontier.step, Mode::kEnding}; });
}

void Turns::begin() noexcept {
    held_ = kNobody;
    frontier_ = pack({});
}

void Turns::hold(Position cell) noexcept { held_ = number_of(cell); }

void Turns::release() noexcept { held_ = kNobody; }

std::optional<Position> Turns::held() const noexcept {
    const std::uint32_t number = held_;
    if (number == kNobody) {
        return std::nullopt;
    }
    return Position{static_cast<int>(number / kMaxSize), static_cast<int>(number % kMaxSize)};
}

}  // namespace life
