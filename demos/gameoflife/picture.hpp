#pragma once

#include "gameoflife/board.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace life {

// The part of a grid that a page shows, in blocks of 2^zoom x 2^zoom cells.
struct View {
    int zoom = 0;
    int left = 0;
    int top = 0;
    int columns = 0;
    int rows = 0;
    bool ages = false;

    // A picture has no more blocks.
    static constexpr int kMaxBlocks = 1024 * 1024;
    // At this one a block holds the largest grid.
    static constexpr int kMaxZoom = 12;

    // The whole grid of `size` x `size` cells, at the least zoom at which it fits into a picture.
    static View whole(int size, bool ages);
    // How many blocks such a grid has in a row.
    [[nodiscard]] static int blocks(int size, int zoom) noexcept { return (size + (1 << zoom) - 1) >> zoom; }
    // The part of the view that is on such a grid, and no more than a picture takes.
    [[nodiscard]] View on(int size) const;
};

// The bytes of one frame of a picture, part by part, as docs/reference/life-protocols.md has them. A board is read
// piece by piece, so that nobody has to keep it still for long.
class Frame {
public:
    static constexpr std::size_t kMaxPartBytes = 256 * 1024;
    // The cells that one call of read() reads, about: it ends with the row in which it has read so many.
    static constexpr std::size_t kCellsAtATime = 16 * 1024;

    struct Order {
        std::uint32_t number = 0;
        View view;
        bool is_key = false;
        std::uint64_t since = 0;  // without a key: cells that have spoken in this turn of the board, or later
    };
    // Of a grid of `size` x `size` cells.
    Frame(const Order& order, int size);

    // Reads on. Requires: the frame is not complete. Not checked: it then reads nothing.
    void read(const Board& board);
    // Ends the frame here.
    void cut();
    [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
    [[nodiscard]] bool is_key() const noexcept { return order_.is_key; }
    // Whether it tells of no cell so far.
    [[nodiscard]] bool is_empty() const noexcept { return is_empty_; }
    // The parts that have become whole since the last call.
    [[nodiscard]] std::vector<std::string> take_parts();
    // How many cells read() has looked at.
    [[nodiscard]] std::size_t cells_read() const noexcept { return cells_read_; }

private:
    // The cells of a block, as far as the board knows them.
    struct Block {
        std::uint64_t oldest = UINT64_MAX;
        std::uint32_t alive = 0;
        std::uint8_t age = UINT8_MAX;
        bool is_heard = false;
        bool is_wanted = false;
    };

    [[nodiscard]] bool is_row_of_blocks_wanted(const Board& board) const;
    [[nodiscard]] int first_cell_row() const noexcept { return block_row_ << order_.view.zoom; }
    [[nodiscard]] int end_of_cell_rows() const noexcept;
    void read_row(const Board& board, int row);
    void put_blocks(const Board& board);
    void put_run(std::size_t begin, std::size_t end);
    [[nodiscard]] std::uint64_t value_of(const Block& block, std::size_t column) const;
    [[nodiscard]] std::uint64_t cells_of_block(std::size_t column) const noexcept;

    [[nodiscard]] bool can_tell_steps_of(const Board& board) const;
    void begin_part(const Board::Steps& steps);
    void end_part();
    void put(std::uint64_t number, int bytes);

    Order order_;
    int size_;
    std::uint64_t levels_;  // values for one step
    int block_row_ = 0;     // that is read now
    int cell_row_ = 0;      // in it, to read next
    std::vector<Block> blocks_;
    std::string part_;  // empty: the next begins with the next blocks
    std::uint64_t base_ = 0;
    int width_ = 1;
    bool has_begun_ = false;
    bool is_complete_ = false;
    bool is_empty_ = true;
    std::vector<std::string> parts_;
    std::size_t cells_read_ = 0;
};

}  // namespace life
