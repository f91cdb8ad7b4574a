#include "gameoflife/board.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace life {

namespace {

constexpr std::uint64_t kMaxAge = 255;

// Cells that have left are remembered by number up to here: pages show only a few.
constexpr std::size_t kMaxLeftCells = 1024;

// The word as the server would write it.
class PlainWord {
public:
    PlainWord(std::uint64_t step, int row, int col, bool is_alive) {
        put(step);
        *end_++ = ' ';
        put(static_cast<std::uint64_t>(row));
        *end_++ = ' ';
        put(static_cast<std::uint64_t>(col));
        *end_++ = ' ';
        *end_++ = is_alive ? '1' : '0';
    }
    [[nodiscard]] std::string_view text() const noexcept {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }

private:
    void put(std::uint64_t number) { end_ = std::to_chars(end_, text_.data() + text_.size(), number).ptr; }

    std::array<char, WorkerMessage::kMaxBytes> text_{};
    char* end_ = text_.data();
};

// The steps since the cell's state changed, when it says that.
std::uint64_t age_after(const BoardCell& cell, const WorkerMessage& said) {
    const bool is_alive = said.state == 1;
    if (!cell.is_heard || is_alive != cell.is_alive || said.step < cell.step) {
        return 0;
    }
    return std::min(kMaxAge, cell.age + std::min(kMaxAge, said.step - cell.step));
}

}  // namespace

Board::Board(int size) : size_(size), rows_(index(size)), row_turns_(index(size)) {}

// ---- Changes

void Board::hear(const WorkerMessage& said, std::string_view word, std::uint32_t worker, std::uint32_t milliseconds) {
    std::vector<BoardCell>& cells = rows_[index(said.row)];
    cells.resize(index(size_));
    BoardCell& cell = cells[index(said.col)];
    const bool is_odd = word != PlainWord{said.step, said.row, said.col, said.state == 1}.text();
    if (is_odd) {
        odd_words_.insert_or_assign(number(said.row, said.col), std::string{word});
    } else if (cell.is_odd) {
        odd_words_.erase(number(said.row, said.col));
    }
    if (cell.is_heard) {
        count_out(cell);
    }
    BoardCell next;
    next.step = said.step;
    next.turn = turn_;
    next.age = age_after(cell, said);
    next.is_heard = 1;
    next.is_alive = said.state == 1 ? 1 : 0;
    next.is_odd = is_odd ? 1 : 0;
    next.worker = worker;
    next.milliseconds = milliseconds;
    cell = next;
    count_in(cell);
    row_turns_[index(said.row)] = turn_;
    last_turn_ = turn_;
}

void Board::leave(int row, int col) {
    if (rows_[index(row)].empty()) {
        return;
    }
    BoardCell& cell = rows_[index(row)][index(col)];
    if (!cell.is_heard || cell.has_left) {
        return;
    }
    count_out(cell);
    cell.has_left = 1;
    count_in(cell);
    const bool is_new = std::find(left_cells_.begin(), left_cells_.end(), number(row, col)) == left_cells_.end();
    if (left_cells_.size() < kMaxLeftCells && is_new) {
        left_cells_.push_back(number(row, col));
    }
}

void Board::count_out(const BoardCell& cell) {
    const auto at = steps_.find(cell.step);
    StepCount& count = at->second;
    --(cell.is_alive ? count.alive : count.dead);
    count.left -= cell.has_left;
    population_ -= cell.is_alive;
    left_ -= cell.has_left;
    if (count.alive + count.dead == 0) {
        steps_.erase(at);
    }
}

void Board::count_in(const BoardCell& cell) {
    StepCount& count = steps_[cell.step];
    ++(cell.is_alive ? count.alive : count.dead);
    count.left += cell.has_left;
    population_ += cell.is_alive;
    left_ += cell.has_left;
}

// ---- Questions

std::string Board::word(int row, int col) const {
    const BoardCell& cell = rows_[index(row)][index(col)];
    if (cell.is_odd) {
        return odd_words_.at(number(row, col));
    }
    return std::string{PlainWord{cell.step, row, col, cell.is_alive == 1}.text()};
}

void Board::append_words(int row, std::string& lines) const {
    int col = 0;
    for (const BoardCell& cell : rows_[index(row)]) {
        if (cell.is_heard) {
            lines += lines.empty() ? "" : "\n";
            if (cell.is_odd) {
                lines += odd_words_.at(number(row, col));
            } else {
                lines += PlainWord{cell.step, row, col, cell.is_alive == 1}.text();
            }
        }
        ++col;
    }
}

std::size_t Board::missing() const { return steps_.empty() ? 0 : left_ - steps_.rbegin()->second.left; }

std::vector<std::pair<int, int>> Board::some_missing(std::size_t count) const {
    std::vector<std::pair<int, int>> cells;
    for (const std::uint32_t number : left_cells_) {
        const int row = static_cast<int>(number / static_cast<std::uint32_t>(size_));
        const int col = static_cast<int>(number % static_cast<std::uint32_t>(size_));
        const BoardCell& cell = rows_[index(row)][index(col)];
        if (cells.size() < count && cell.has_left && cell.step != steps_.rbegin()->first) {
            cells.emplace_back(row, col);
        }
    }
    return cells;
}

}  // namespace life
