// The square that the Game of Life is played on, and its rule.
#pragma once

#include "pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace life {

// The cells per side that a wrapped grid needs at least: on a smaller one, some cell would be a neighbour twice.
inline constexpr int kMinWrappedSize = 3;

enum class Cell : std::uint8_t { kDead = 0, kAlive = 1 };  // as on the wire

enum class Edges {
    kWrapped,  // left joins right and top joins bottom
    kFlat,     // cells on the edge have fewer neighbours
};

enum class Placement { kCentred, kTopLeft };

// size x size cells, at first all dead.
class Grid {
public:
    // Requires: 1 <= size <= kMaxSize, else std::invalid_argument.
    explicit Grid(int size);

    // Each cell is alive with the chance `density`. The same seed gives the same grid on every machine.
    static Grid random(int size, std::uint64_t seed, double density = 0.25);

    int size() const { return size_; }

    // Requires: the position is on the grid, else std::out_of_range.
    Cell at(Position position) const { return cells_[index(position)]; }
    void set(Position position, Cell cell) { cells_[index(position)] = cell; }

    // Makes the pattern's living cells alive and leaves all others as they are.
    //
    // Throws: std::runtime_error for a pattern that does not fit; what() is for the user.
    void place(const Pattern& pattern, Placement placement);

    friend bool operator==(const Grid&, const Grid&) = default;

private:
    std::size_t index(Position position) const;

    int size_;
    std::vector<Cell> cells_;  // row by row
};

// The cells next to `position`, row by row: eight, or fewer on a flat grid's edge.
//
// Requires: the position is on a grid of that size, and a wrapped one has kMinWrappedSize, else std::invalid_argument.
std::vector<Position> neighbours(Position position, int size, Edges edges);

// Conway's rule, B3/S23.
Cell next_state(Cell cell, int living_neighbours);

// The whole grid one step later, by the rule.
//
// Requires: a wrapped grid has kMinWrappedSize, else std::invalid_argument.
Grid next_generation(const Grid& grid, Edges edges);

// The whole grid, every row spelled out, as an RLE file. Its header names the edges the way Golly does, so that Golly
// shows each cell in its place and goes on as the game would: `x = 64, y = 64, rule = B3/S23:T64,64` (torus), or `:P`
// (plane).
std::string to_rle(const Grid& grid, Edges edges);

}  // namespace life
