#pragma once

#include "gameoflife/worker_message.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace life {

// A cell as it last spoke. Of a million of them, each byte counts.
struct BoardCell {
    std::uint64_t step = 0;
    std::uint64_t turn : 48 = 0;     // in which it spoke
    std::uint64_t age : 8 = 0;       // steps since its state changed; 255 is that many or more
    std::uint64_t is_heard : 1 = 0;  // it has spoken
    std::uint64_t is_alive : 1 = 0;
    std::uint64_t is_odd : 1 = 0;    // its word is among the odd ones
    std::uint64_t has_left : 1 = 0;  // its worker has left the game
    std::uint32_t worker = 0;        // that spoke for it
    std::uint32_t milliseconds = 0;  // on the board's clock, when it spoke
};
static_assert(sizeof(BoardCell) == 24);

// All cells of a game as they last spoke, and what they are together, kept up to date with each word.
//
// A turn is the time between two calls of next_turn(): all who look at the board find by it what is new to them.
class Board {
public:
    struct StepCount {
        std::uint32_t alive = 0;
        std::uint32_t dead = 0;
        std::uint32_t left = 0;  // of both, those whose workers have left
    };
    using Steps = std::map<std::uint64_t, StepCount>;

    explicit Board(int size);

    [[nodiscard]] int size() const noexcept { return size_; }

    // The worker says `said` of a cell, in this word. Requires: the cell is on the board, and `word` has no newline.
    // Not checked: the server has parsed the word.
    void hear(const WorkerMessage& said, std::string_view word, std::uint32_t worker, std::uint32_t milliseconds);
    // The worker that spoke for a cell leaves the game.
    void leave(int row, int col);

    // The cells of a row; none if no cell of it has spoken.
    [[nodiscard]] std::span<const BoardCell> row(int row) const noexcept { return rows_[index(row)]; }
    // The turn in which a cell of the row spoke last.
    [[nodiscard]] std::uint64_t row_turn(int row) const noexcept { return row_turns_[index(row)]; }
    // A cell's last word, to the byte. Requires: it has spoken. Not checked: the caller sees the cell.
    [[nodiscard]] std::string word(int row, int col) const;
    // Appends the words of all cells of the row that have spoken, one a line.
    void append_words(int row, std::string& lines) const;

    // How many cells that have spoken are at each step: the first is the oldest, the last is the youngest.
    [[nodiscard]] const Steps& steps() const noexcept { return steps_; }
    [[nodiscard]] std::uint64_t population() const noexcept { return population_; }
    // How many cells have left and are not at the youngest step: others may wait for them.
    [[nodiscard]] std::size_t missing() const;
    // Some of these cells, at most `count`, as row and column.
    [[nodiscard]] std::vector<std::pair<int, int>> some_missing(std::size_t count) const;

    // Begins a turn, and returns it. Cells that speak from now on have spoken in it, or later.
    std::uint64_t next_turn() noexcept { return ++turn_; }
    // The turn in which a cell spoke last.
    [[nodiscard]] std::uint64_t last_turn() const noexcept { return last_turn_; }

private:
    static std::size_t index(int row) noexcept { return static_cast<std::size_t>(row); }
    [[nodiscard]] std::uint32_t number(int row, int col) const noexcept {
        return static_cast<std::uint32_t>(row) * static_cast<std::uint32_t>(size_) + static_cast<std::uint32_t>(col);
    }
    void count_out(const BoardCell& cell);
    void count_in(const BoardCell& cell);

    int size_;
    // A row gets its memory with its first word.
    std::vector<std::vector<BoardCell>> rows_;
    std::vector<std::uint64_t> row_turns_;
    // Words that are not written as the server would write them: with zeros in front. By the number of the cell.
    std::map<std::uint32_t, std::string> odd_words_;
    Steps steps_;
    std::uint64_t population_ = 0;
    std::size_t left_ = 0;
    std::vector<std::uint32_t> left_cells_;  // some of them, by number
    std::uint64_t turn_ = 1;
    std::uint64_t last_turn_ = 0;
};

}  // namespace life
