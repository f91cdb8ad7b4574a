#pragma once

#include "gameoflife/feed.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace life {

// A worker of a feed's game, without a connection.
inline std::uint32_t enter(Feed& feed, const Game& game) { return feed.enter(game, "127.0.0.1:40000", 0); }

// It leaves, after it has spoken for the first cell.
inline void leave(Feed& feed, const Game& game, std::uint32_t number = 0) {
    feed.leave(game, {.number = number, .cell = std::pair{0, 0}, .is_well = true});
}

// It says `word` of a cell: the step in front, the state at the end.
inline bool say(Feed& feed, const Game& game, int row, int col, std::string_view word, std::uint32_t number = 0) {
    WorkerMessage said{.kind = WorkerMessage::Kind::kState, .row = row, .col = col, .state = word.back() - '0'};
    std::from_chars(word.data(), word.data() + word.size(), said.step);
    return feed.say(game, said, word, number, 0);
}

}  // namespace life
