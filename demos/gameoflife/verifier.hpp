#pragma once

#include "gameoflife/grid.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace life {

// A cell has sent another state than the rule has for it: the text says which, at which step.
class WrongState : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Compares what all cells send with the game as the plain rule has it, whole grids one after the other.
//
// Each step has a hash of its living cells, which the cells' messages add up to in any order. Once all cells have sent
// a step, it has to be that of the reference; else the cells are compared one by one. The memory is a bit for each cell
// and step that some cells have sent and others have not.
// Thread: any.
class Verifier {
public:
    Verifier(const Grid& start, Edges edges) : reference_(start), edges_(edges) {}

    // A cell sends this. Throws WrongState for the first step that has a wrong state, and in it the first cell, when
    // all cells have sent that step; and for a cell that is further ahead than a game can spread.
    void note(std::uint64_t step, Position cell, Cell state);

    // Begins again with another game on the same grid. Requires: all cells have sent the same steps, else
    // std::logic_error.
    void begin(const Grid& start);

    // How many steps all cells have sent, and rightly.
    [[nodiscard]] std::uint64_t verified() const;
    // The hash of the last of these.
    [[nodiscard]] std::uint64_t hash() const;

private:
    // A step that not all cells have sent.
    struct Step {
        std::size_t heard = 0;
        std::uint64_t hash = 0;
        std::vector<bool> is_alive;
    };

    void check_first();
    [[noreturn]] void fail(const Step& sent) const;
    [[nodiscard]] std::size_t cells() const noexcept;
    [[nodiscard]] std::size_t index(Position cell) const noexcept;

    mutable std::mutex mutex_;
    Grid reference_;  // at the first of steps_
    Edges edges_;
    std::uint64_t first_ = 0;
    std::deque<Step> steps_;
    std::uint64_t hash_ = 0;
};

}  // namespace life
