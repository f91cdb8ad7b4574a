#include "grid.hpp"

#include <bit>
#include <random>
#include <stdexcept>

namespace life {
namespace {

bool on_grid(Position position, int size) {
    return position.row >= 0 && position.row < size && position.col >= 0 && position.col < size;
}

void require_wrappable(int size, Edges edges) {
    if (edges == Edges::kWrapped && size < kMinWrappedSize) {
        throw std::invalid_argument("A wrapped grid needs a size of at least 3.");
    }
}

// A row or column of a torus. Requires: at most one beyond its edge.
int wrap(int line, int size) {
    if (line < 0) {
        return line + size;
    }
    return line < size ? line : line - size;
}

// Puts runs one after the other into lines of at most 70 characters, as the format asks.
class RleLines {
public:
    void add(int count, char tag) {
        const std::string run = (count > 1 ? std::to_string(count) : "") + tag;
        if (length_ + run.size() > 70) {
            text_ += '\n';
            length_ = 0;
        }
        text_ += run;
        length_ += run.size();
    }

    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::size_t length_ = 0;
};

}  // namespace

Grid::Grid(int size) : size_(size) {
    if (size < 1 || size > kMaxSize) {
        throw std::invalid_argument("A grid's size is 1 to " + std::to_string(kMaxSize) + ".");
    }
    cells_.resize(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), Cell::kDead);
}

Grid Grid::random(int size, std::uint64_t seed, double density) {
    Grid grid(size);
    // The C++ standard fixes the generator's numbers, but not how a distribution uses them.
    std::mt19937_64 generator(seed);
    for (Cell& cell : grid.cells_) {
        // The last two bits count most: one in four is alive where they are 0, as with seeds that people have noted.
        const double chance = static_cast<double>(std::rotr(generator(), 2) >> 11) * 0x1p-53;
        cell = chance < density ? Cell::kAlive : Cell::kDead;
    }
    return grid;
}

void Grid::place(const Pattern& pattern, Placement placement) {
    if (pattern.height > size_) {
        throw std::runtime_error("Too many rows in pattern. Increase size?");
    }
    if (pattern.width > size_) {
        throw std::runtime_error("Too many columns in pattern. Increase size?");
    }
    const bool centred = placement == Placement::kCentred;
    const int top = centred ? (size_ - pattern.height) / 2 : 0;
    const int left = centred ? (size_ - pattern.width) / 2 : 0;
    for (const auto [row, col] : pattern.alive) {
        set({top + row, left + col}, Cell::kAlive);
    }
}

std::size_t Grid::index(Position position) const {
    if (!on_grid(position, size_)) {
        throw std::out_of_range("Grid: the position is not on the grid");
    }
    return static_cast<std::size_t>(position.row) * static_cast<std::size_t>(size_) +
           static_cast<std::size_t>(position.col);
}

std::vector<Position> neighbours(Position position, int size, Edges edges) {
    if (!on_grid(position, size)) {
        throw std::invalid_argument("neighbours: the position is not on the grid");
    }
    const bool wrapped = edges == Edges::kWrapped;
    require_wrappable(size, edges);
    std::vector<Position> found;
    found.reserve(8);
    for (int row = position.row - 1; row <= position.row + 1; ++row) {
        for (int col = position.col - 1; col <= position.col + 1; ++col) {
            const Position near = wrapped ? Position{wrap(row, size), wrap(col, size)} : Position{row, col};
            if (near != position && on_grid(near, size)) {
                found.push_back(near);
            }
        }
    }
    return found;
}

Cell next_state(Cell cell, int living_neighbours) {
    const bool survives = cell == Cell::kAlive && living_neighbours == 2;
    return survives || living_neighbours == 3 ? Cell::kAlive : Cell::kDead;
}

Grid next_generation(const Grid& grid, Edges edges) {
    const int size = grid.size();
    const bool wrapped = edges == Edges::kWrapped;
    require_wrappable(size, edges);
    const auto living = [&](int row, int col) {
        if (wrapped) {
            return grid.at({wrap(row, size), wrap(col, size)}) == Cell::kAlive ? 1 : 0;
        }
        return on_grid({row, col}, size) && grid.at({row, col}) == Cell::kAlive ? 1 : 0;
    };
    Grid next(size);
    for (int row = 0; row < size; ++row) {
        for (int col = 0; col < size; ++col) {
            const int around = living(row - 1, col - 1) + living(row - 1, col) + living(row - 1, col + 1) +
                               living(row, col - 1) + living(row, col + 1) + living(row + 1, col - 1) +
                               living(row + 1, col) + living(row + 1, col + 1);
            next.set({row, col}, next_state(grid.at({row, col}), around));
        }
    }
    return next;
}

std::string to_rle(const Grid& grid, Edges edges) {
    const std::string size = std::to_string(grid.size());
    RleLines rle;
    for (int row = 0; row < grid.size(); ++row) {
        for (int start = 0, end = 0; start < grid.size(); start = end) {
            const Cell cell = grid.at({row, start});
            while (end < grid.size() && grid.at({row, end}) == cell) {
                ++end;
            }
            rle.add(end - start, cell == Cell::kAlive ? 'o' : 'b');
        }
        rle.add(1, row + 1 < grid.size() ? '$' : '!');
    }
    const std::string bounds = (edges == Edges::kWrapped ? ":T" : ":P") + size + "," + size;
    return "x = " + size + ", y = " + size + ", rule = B3/S23" + bounds + "\n" + rle.text() + "\n";
}

}  // namespace life
