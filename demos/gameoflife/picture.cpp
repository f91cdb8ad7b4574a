#include "gameoflife/picture.hpp"

#include <algorithm>
#include <utility>

namespace life {

namespace {

constexpr std::uint8_t kPicture = 1;
constexpr std::uint8_t kKeyFlag = 1;
constexpr std::uint8_t kAgesFlag = 2;
constexpr std::uint8_t kLastFlag = 4;
constexpr std::size_t kFlagsAt = 1;

constexpr std::size_t kRunHeaderBytes = 6;
// Of a row of blocks: where it leaves blocks out for another run, it saves more than that takes.
constexpr std::size_t kMaxRowBytes = kRunHeaderBytes + std::size_t{4096} * 5;

// Steps that cells may go ahead while a part is made, before it needs wider values.
constexpr std::uint64_t kSpare = 4;

// The most steps ahead of the base that values of `width` bytes tell.
constexpr std::uint64_t max_ahead(int width, std::uint64_t levels) {
    return ((std::uint64_t{1} << (8 * width)) - 1 - levels) / levels;
}

}  // namespace

// ---- View

View View::whole(int size, bool ages) {
    View view{.ages = ages};
    while (blocks(size, view.zoom) > kMaxBlocks / blocks(size, view.zoom)) {
        ++view.zoom;
    }
    view.columns = blocks(size, view.zoom);
    view.rows = view.columns;
    return view;
}

View View::on(int size) const {
    View view = *this;
    view.zoom = std::clamp(zoom, 0, kMaxZoom);
    const int all = blocks(size, view.zoom);
    view.left = std::clamp(left, 0, all);
    view.top = std::clamp(top, 0, all);
    view.columns = std::clamp(left + columns, view.left, all) - view.left;
    view.rows = std::clamp(top + rows, view.top, all) - view.top;
    view.rows = std::min(view.rows, kMaxBlocks / std::max(view.columns, 1));
    return view;
}

// ---- Frame: which cells

Frame::Frame(const Order& order, int size)
    : order_(order), size_(size), levels_(order.view.zoom == 0 ? 2 : 16), block_row_(order.view.top),
      cell_row_(first_cell_row()), blocks_(static_cast<std::size_t>(order.view.columns)) {}

void Frame::read(const Board& board) {
    const std::size_t enough = cells_read_ + kCellsAtATime;
    const int end = order_.view.top + order_.view.rows;
    while (block_row_ < end && cells_read_ < enough) {
        if (cell_row_ == first_cell_row() && !is_row_of_blocks_wanted(board)) {
            cell_row_ = end_of_cell_rows();
            cells_read_ += static_cast<std::size_t>(1) << order_.view.zoom;  // it has looked at their turns
        } else {
            read_row(board, cell_row_++);
            if (cell_row_ == end_of_cell_rows()) {
                put_blocks(board);
            }
        }
        if (cell_row_ == end_of_cell_rows()) {
            ++block_row_;
        }
    }
    if (block_row_ == end) {
        cut();
    }
}

void Frame::cut() {
    if (part_.empty()) {
        begin_part({});
    }
    part_[kFlagsAt] = static_cast<char>(part_[kFlagsAt] | kLastFlag);
    end_part();
    is_complete_ = true;
}

std::vector<std::string> Frame::take_parts() { return std::exchange(parts_, {}); }

int Frame::end_of_cell_rows() const noexcept { return std::min(size_, (block_row_ + 1) << order_.view.zoom); }

bool Frame::is_row_of_blocks_wanted(const Board& board) const {
    for (int row = first_cell_row(); row < end_of_cell_rows(); ++row) {
        if (!board.row(row).empty() && (order_.is_key || board.row_turn(row) >= order_.since)) {
            return true;
        }
    }
    return false;
}

void Frame::read_row(const Board& board, int row) {
    const auto cells = board.row(row);
    const View& view = order_.view;
    const auto first = static_cast<std::size_t>(view.left) << view.zoom;
    const auto end = std::min(cells.size(), static_cast<std::size_t>(view.left + view.columns) << view.zoom);
    for (std::size_t col = first; col < end; ++col) {
        const BoardCell& cell = cells[col];
        if (cell.is_heard) {
            Block& block = blocks_[(col >> view.zoom) - static_cast<std::size_t>(view.left)];
            block.oldest = std::min(block.oldest, cell.step);
            block.alive += cell.is_alive;
            block.age = std::min(block.age, static_cast<std::uint8_t>(cell.age));
            block.is_heard = true;
            block.is_wanted = block.is_wanted || order_.is_key || cell.turn >= order_.since;
        }
    }
    cells_read_ += static_cast<std::size_t>(view.columns) << view.zoom;
}

// ---- Frame: their bytes

// The row of blocks is whole. A gap between two wanted blocks becomes part of their run if that takes no more room.
void Frame::put_blocks(const Board& board) {
    if (!part_.empty() && (part_.size() + kMaxRowBytes > kMaxPartBytes || !can_tell_steps_of(board))) {
        end_part();
    }
    if (part_.empty()) {
        begin_part(board.steps());
    }
    const std::size_t bytes = static_cast<std::size_t>(width_) + (order_.view.ages ? 1 : 0);
    const std::size_t max_gap = kRunHeaderBytes / bytes;
    std::size_t begin = 0;
    std::size_t end = 0;  // of the run that began there, if it is not empty
    for (std::size_t column = 0; column < blocks_.size(); ++column) {
        if (!blocks_[column].is_wanted) {
            continue;
        }
        if (begin == end || column - end > max_gap) {
            put_run(begin, end);
            begin = column;
        }
        end = column + 1;
    }
    put_run(begin, end);
    std::fill(blocks_.begin(), blocks_.end(), Block{});
}

void Frame::put_run(std::size_t begin, std::size_t end) {
    if (begin == end) {
        return;
    }
    is_empty_ = false;
    put(static_cast<std::uint64_t>(block_row_), 2);
    put(static_cast<std::uint64_t>(order_.view.left) + begin, 2);
    put(end - begin, 2);
    for (std::size_t column = begin; column < end; ++column) {
        put(value_of(blocks_[column], column), width_);
    }
    if (order_.view.ages) {
        for (std::size_t column = begin; column < end; ++column) {
            put(blocks_[column].is_heard ? blocks_[column].age : 0, 1);
        }
    }
}

std::uint64_t Frame::value_of(const Block& block, std::size_t column) const {
    if (!block.is_heard) {
        return 0;
    }
    const std::uint64_t ahead = block.oldest > base_ ? block.oldest - base_ : 0;
    const std::uint64_t cells = cells_of_block(column);
    const std::uint64_t shade = ((levels_ - 1) * block.alive + cells - 1) / cells;
    return 1 + levels_ * std::min(ahead, max_ahead(width_, levels_)) + shade;
}

std::uint64_t Frame::cells_of_block(std::size_t column) const noexcept {
    const int first_column = (order_.view.left + static_cast<int>(column)) << order_.view.zoom;
    const int columns = std::min(size_ - first_column, 1 << order_.view.zoom);
    return static_cast<std::uint64_t>(columns) * static_cast<std::uint64_t>(end_of_cell_rows() - first_cell_row());
}

// ---- Frame: its parts

bool Frame::can_tell_steps_of(const Board& board) const {
    const std::uint64_t oldest = board.steps().begin()->first;
    const std::uint64_t youngest = board.steps().rbegin()->first;
    return oldest >= base_ && (width_ == 4 || youngest - base_ <= max_ahead(width_, levels_));
}

void Frame::begin_part(const Board::Steps& steps) {
    base_ = steps.empty() ? 0 : steps.begin()->first;
    const std::uint64_t ahead = steps.empty() ? 0 : steps.rbegin()->first - base_;
    width_ = 1;
    while (width_ < 4 && ahead > max_ahead(width_, levels_) - kSpare) {
        width_ *= 2;
    }
    const bool is_key = order_.is_key && !std::exchange(has_begun_, true);
    put(kPicture, 1);
    put((is_key ? kKeyFlag : 0U) | (order_.view.ages ? kAgesFlag : 0U), 1);
    put(static_cast<std::uint64_t>(order_.view.zoom), 1);
    put(static_cast<std::uint64_t>(width_), 1);
    put(order_.number, 4);
    put(base_, 8);
    for (const int number : {size_, order_.view.left, order_.view.top, order_.view.columns, order_.view.rows}) {
        put(static_cast<std::uint64_t>(number), 2);
    }
}

void Frame::end_part() { parts_.push_back(std::exchange(part_, {})); }

// Little-endian.
void Frame::put(std::uint64_t number, int bytes) {
    for (int byte = 0; byte < bytes; ++byte) {
        part_ += static_cast<char>(number >> (8 * byte) & 0xff);
    }
}

}  // namespace life
