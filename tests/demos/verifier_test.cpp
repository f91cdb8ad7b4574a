#include "gameoflife/verifier.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace life {
namespace {

constexpr int kSize = 6;

struct State {
    std::uint64_t step = 0;
    Position cell;
    Cell state = Cell::kDead;
};

// What all cells send in so many steps, step by step.
std::vector<State> states_of(Grid grid, std::uint64_t steps, Edges edges) {
    std::vector<State> states;
    for (std::uint64_t step = 0; step <= steps; ++step) {
        for (int row = 0; row < grid.size(); ++row) {
            for (int col = 0; col < grid.size(); ++col) {
                states.push_back({step, {row, col}, grid.at({row, col})});
            }
        }
        grid = next_generation(grid, edges);
    }
    return states;
}

State& at(std::vector<State>& states, std::uint64_t step, Position cell) {
    return *std::find_if(states.begin(), states.end(),
                         [&](const State& state) { return state.step == step && state.cell == cell; });
}

void flip(State& state) { state.state = state.state == Cell::kAlive ? Cell::kDead : Cell::kAlive; }

void note(Verifier& verifier, const std::vector<State>& states) {
    for (const State& state : states) {
        verifier.note(state.step, state.cell, state.state);
    }
}

std::string wrong_state(Verifier& verifier, const std::vector<State>& states) {
    try {
        note(verifier, states);
    } catch (const WrongState& wrong) {
        return wrong.what();
    }
    return "";
}

TEST(Verifier, FindsARightGameRightInWhateverOrderTheCellsSend) {
    std::mt19937_64 random{1};
    for (const Edges edges : {Edges::kWrapped, Edges::kFlat}) {
        const Grid start = Grid::random(kSize, 1);
        std::vector<State> states = states_of(start, 20, edges);
        // Each cell up to four steps behind or ahead, and its own steps in order.
        std::vector<std::uint64_t> lag(kSize * kSize);
        std::generate(lag.begin(), lag.end(), [&random] { return random() % 5; });
        std::stable_sort(states.begin(), states.end(), [&lag](const State& one, const State& other) {
            const auto time = [&lag](const State& state) {
                return state.step + lag[static_cast<std::size_t>(state.cell.row * kSize + state.cell.col)];
            };
            return time(one) < time(other);
        });
        Verifier verifier{start, edges};
        EXPECT_EQ(wrong_state(verifier, states), "");
        EXPECT_EQ(verifier.verified(), 21U);
    }
}

TEST(Verifier, NamesTheFirstStepAndCellThatDifferAndHow) {
    const Grid start = Grid::random(kSize, 1);
    for (const Position cell : {Position{0, 0}, Position{3, 4}, Position{5, 5}}) {
        for (const std::uint64_t step : {0, 1, 9}) {
            std::vector<State> states = states_of(start, 10, Edges::kWrapped);
            flip(at(states, step, cell));
            flip(at(states, 10, {0, 0}));  // later
            if (cell != Position{5, 5}) {
                flip(at(states, step, {5, 5}));  // further down
            }
            const bool lives = at(states, step, cell).state == Cell::kAlive;
            Verifier verifier{start, Edges::kWrapped};
            EXPECT_EQ(wrong_state(verifier, states),
                      "cell " + std::to_string(cell.row) + ' ' + std::to_string(cell.col) + " is wrong at step " +
                          std::to_string(step) + ": it sent " + (lives ? "1, the rule says 0" : "0, the rule says 1"));
            EXPECT_EQ(verifier.verified(), step);
        }
    }
}

TEST(Verifier, TakesCellsThatAreAsFarAheadAsAGameCanSpreadAndNoFurther) {
    const Grid start{kSize};  // all dead, and so they stay
    Verifier verifier{start, Edges::kFlat};
    for (std::uint64_t step = 0; step <= kSize; ++step) {
        verifier.note(step, {2, 3}, Cell::kDead);
    }
    try {
        verifier.note(kSize + 1, {2, 3}, Cell::kDead);
        FAIL();
    } catch (const WrongState& wrong) {
        EXPECT_EQ(std::string{wrong.what()}.find("cell 2 3 is at step 7, and some cell has not sent step 0"), 0U);
    }
}

TEST(Verifier, BeginsAgainWithAnotherGame) {
    const Grid first = Grid::random(kSize, 1);
    const Grid second = Grid::random(kSize, 2);
    Verifier verifier{first, Edges::kWrapped};
    note(verifier, states_of(first, 3, Edges::kWrapped));
    verifier.begin(second);
    EXPECT_EQ(verifier.verified(), 0U);
    EXPECT_EQ(wrong_state(verifier, states_of(second, 3, Edges::kWrapped)), "");
    verifier.note(4, {0, 0}, Cell::kDead);
    EXPECT_THROW(verifier.begin(first), std::logic_error);
}

TEST(Verifier, HasTheSameHashForTheSameGridAndAnotherForAnother) {
    const auto hash_of = [](const Grid& grid) {
        Verifier verifier{grid, Edges::kWrapped};
        note(verifier, states_of(grid, 0, Edges::kWrapped));
        return verifier.hash();
    };
    EXPECT_EQ(hash_of(Grid::random(kSize, 1)), hash_of(Grid::random(kSize, 1)));
    EXPECT_NE(hash_of(Grid::random(kSize, 1)), hash_of(Grid::random(kSize, 2)));
}

}  // namespace
}  // namespace life
