#include "gameoflife/grid.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace life;

const std::filesystem::path kShipped =
    std::filesystem::path(__FILE__).parent_path() / "../../demos/gameoflife/patterns";

Grid grid_with(int size, std::string_view rows, Placement placement = Placement::kTopLeft) {
    Grid grid(size);
    grid.place(parse_pattern(rows, "test"), placement);
    return grid;
}

std::vector<Position> living(const Grid& grid) {
    std::vector<Position> found;
    for (int row = 0; row < grid.size(); ++row) {
        for (int col = 0; col < grid.size(); ++col) {
            if (grid.at({row, col}) == Cell::kAlive) {
                found.push_back({row, col});
            }
        }
    }
    return found;
}

// One step of all cells at once, as the clients make it one by one.
Grid step(const Grid& grid, Edges edges) {
    Grid next(grid.size());
    for (int row = 0; row < grid.size(); ++row) {
        for (int col = 0; col < grid.size(); ++col) {
            int alive = 0;
            for (const Position near : neighbours({row, col}, grid.size(), edges)) {
                alive += grid.at(near) == Cell::kAlive ? 1 : 0;
            }
            next.set({row, col}, next_state(grid.at({row, col}), alive));
        }
    }
    return next;
}

Grid steps(Grid grid, int count, Edges edges) {
    for (int i = 0; i < count; ++i) {
        grid = step(grid, edges);
    }
    return grid;
}

// The grid turned round by whole rows and columns, as on a torus.
Grid shifted(const Grid& grid, int down, int right) {
    Grid moved(grid.size());
    for (const auto [row, col] : living(grid)) {
        moved.set({(row + down + grid.size()) % grid.size(), (col + right + grid.size()) % grid.size()}, Cell::kAlive);
    }
    return moved;
}

Grid shipped(const std::string& name, int size) {
    Grid grid(size);
    grid.place(load_pattern(name, kShipped), Placement::kCentred);
    return grid;
}

std::string complaint(const Pattern& pattern, int size) {
    try {
        Grid(size).place(pattern, Placement::kCentred);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(Grid, IsDeadAtFirst) { EXPECT_EQ(living(Grid(5)), std::vector<Position>{}); }

TEST(Grid, HasASizeFromOneToTheLargest) {
    EXPECT_EQ(Grid(1).size(), 1);
    EXPECT_EQ(Grid(kMaxSize).size(), kMaxSize);
    EXPECT_THROW(Grid(0), std::invalid_argument);
    EXPECT_THROW(Grid(-1), std::invalid_argument);
    EXPECT_THROW(Grid(kMaxSize + 1), std::invalid_argument);
}

TEST(Grid, RefusesPositionsOutside) {
    Grid grid(3);
    for (const Position outside : {Position{3, 0}, Position{0, 3}, Position{-1, 0}, Position{0, -1}}) {
        EXPECT_THROW((void)grid.at(outside), std::out_of_range);
        EXPECT_THROW(grid.set(outside, Cell::kAlive), std::out_of_range);
    }
}

TEST(Grid, PlacesAPatternAtTheTopLeft) {
    EXPECT_EQ(living(grid_with(5, "O.O\n.O.\n")), (std::vector<Position>{{0, 0}, {0, 2}, {1, 1}}));
}

TEST(Grid, PlacesAPatternInTheMiddleTowardsTheTopLeft) {
    EXPECT_EQ(living(grid_with(5, "OOO\n", Placement::kCentred)), (std::vector<Position>{{2, 1}, {2, 2}, {2, 3}}));
    EXPECT_EQ(living(grid_with(4, "O\n", Placement::kCentred)), (std::vector<Position>{{1, 1}}));
    EXPECT_EQ(living(grid_with(5, "OO\nOO\n", Placement::kCentred)),
              (std::vector<Position>{{1, 1}, {1, 2}, {2, 1}, {2, 2}}));
}

TEST(Grid, CentresTheDeadMarginsOfAPatternWithIt) {
    EXPECT_EQ(living(grid_with(5, "..O\n...\n...\n", Placement::kCentred)), (std::vector<Position>{{1, 3}}));
}

TEST(Grid, TakesAPatternOfExactlyItsSize) {
    const std::string rows = "O.O\n...\nO.O\n";
    EXPECT_EQ(grid_with(3, rows, Placement::kCentred), grid_with(3, rows, Placement::kTopLeft));
}

TEST(Grid, RefusesAPatternThatDoesNotFit) {
    EXPECT_EQ(complaint({.height = 4, .width = 3, .alive = {}}, 3), "Too many rows in pattern. Increase size?");
    EXPECT_EQ(complaint({.height = 3, .width = 4, .alive = {}}, 3), "Too many columns in pattern. Increase size?");
    EXPECT_EQ(complaint({.height = 4, .width = 4, .alive = {}}, 3), "Too many rows in pattern. Increase size?");
    EXPECT_EQ(complaint({.height = 3, .width = 3, .alive = {}}, 3), "");
}

TEST(RandomGrid, IsRepeatedByItsSeed) {
    EXPECT_EQ(Grid::random(32, 7), Grid::random(32, 7));
    EXPECT_NE(Grid::random(32, 7), Grid::random(32, 8));
}

TEST(RandomGrid, IsTheSameOnEveryMachine) {
    EXPECT_EQ(to_rle(Grid::random(8, 1), Edges::kFlat),
              "x = 8, y = 8, rule = B3/S23:P8,8\n"
              "o3bobob$3o3bob$3bo2bob$4bo3b$bobo3bo$3o5b$3b2o3b$6b2o!\n");
}

TEST(RandomGrid, HasOneCellInFourAlive) {
    const std::size_t alive = living(Grid::random(400, 1)).size();
    EXPECT_GT(alive, 39000u);  // 160,000 / 4, give or take 5.8 standard deviations
    EXPECT_LT(alive, 41000u);
}

TEST(Neighbours, AreTheEightCellsAround) {
    const std::vector<Position> around{{1, 2}, {1, 3}, {1, 4}, {2, 2}, {2, 4}, {3, 2}, {3, 3}, {3, 4}};
    EXPECT_EQ(neighbours({2, 3}, 10, Edges::kFlat), around);
    EXPECT_EQ(neighbours({2, 3}, 10, Edges::kWrapped), around);
}

TEST(Neighbours, WrapOverEachEdge) {
    EXPECT_EQ(neighbours({0, 0}, 5, Edges::kWrapped),
              (std::vector<Position>{{4, 4}, {4, 0}, {4, 1}, {0, 4}, {0, 1}, {1, 4}, {1, 0}, {1, 1}}));
    EXPECT_EQ(neighbours({4, 4}, 5, Edges::kWrapped),
              (std::vector<Position>{{3, 3}, {3, 4}, {3, 0}, {4, 3}, {4, 0}, {0, 3}, {0, 4}, {0, 0}}));
}

TEST(RandomGrid, IsAsDenseAsAskedFor) {
    EXPECT_EQ(living(Grid::random(100, 1, 0)).size(), 0u);
    EXPECT_EQ(living(Grid::random(100, 1, 1)).size(), 10'000u);
    EXPECT_NEAR(static_cast<double>(living(Grid::random(100, 1, 0.6)).size()), 6000, 300);
    EXPECT_EQ(Grid::random(20, 1), Grid::random(20, 1, 0.25));
    // As it was before there was a density: seeds that people have noted keep their grids.
    std::mt19937_64 generator{1};
    const Grid grid = Grid::random(20, 1);
    for (int row = 0; row < 20; ++row) {
        for (int col = 0; col < 20; ++col) {
            EXPECT_EQ(grid.at({row, col}), generator() % 4 == 0 ? Cell::kAlive : Cell::kDead);
        }
    }
}

TEST(Neighbours, AreEightDifferentOnesOnTheSmallestWrappedGrid) {
    for (int row = 0; row < 3; ++row) {
        for (int col = 0; col < 3; ++col) {
            std::vector<Position> found = neighbours({row, col}, 3, Edges::kWrapped);
            std::sort(found.begin(), found.end());
            EXPECT_EQ(std::unique(found.begin(), found.end()) - found.begin(), 8);
        }
    }
}

TEST(Neighbours, AreFewerOnAFlatEdge) {
    EXPECT_EQ(neighbours({0, 0}, 5, Edges::kFlat), (std::vector<Position>{{0, 1}, {1, 0}, {1, 1}}));
    EXPECT_EQ(neighbours({4, 2}, 5, Edges::kFlat), (std::vector<Position>{{3, 1}, {3, 2}, {3, 3}, {4, 1}, {4, 3}}));
    EXPECT_EQ(neighbours({0, 0}, 1, Edges::kFlat), std::vector<Position>{});
    EXPECT_EQ(neighbours({0, 0}, 2, Edges::kFlat).size(), 3u);
}

TEST(Neighbours, AreMutual) {
    for (const Edges edges : {Edges::kWrapped, Edges::kFlat}) {
        for (int row = 0; row < 6; ++row) {
            for (int col = 0; col < 6; ++col) {
                for (const Position near : neighbours({row, col}, 6, edges)) {
                    const std::vector<Position> back = neighbours(near, 6, edges);
                    EXPECT_EQ(std::count(back.begin(), back.end(), Position{row, col}), 1);
                }
            }
        }
    }
}

TEST(Neighbours, RefuseAWrappedGridThatIsTooSmallAndPositionsOutside) {
    EXPECT_THROW(neighbours({0, 0}, 2, Edges::kWrapped), std::invalid_argument);
    EXPECT_THROW(neighbours({0, 0}, 1, Edges::kWrapped), std::invalid_argument);
    EXPECT_THROW(neighbours({5, 0}, 5, Edges::kWrapped), std::invalid_argument);
    EXPECT_THROW(neighbours({0, -1}, 5, Edges::kFlat), std::invalid_argument);
}

TEST(NextState, IsConwaysRule) {
    for (int alive = 0; alive <= 8; ++alive) {
        EXPECT_EQ(next_state(Cell::kDead, alive), alive == 3 ? Cell::kAlive : Cell::kDead);
        EXPECT_EQ(next_state(Cell::kAlive, alive), alive == 2 || alive == 3 ? Cell::kAlive : Cell::kDead);
    }
}

TEST(NextGeneration, IsOneStepOfAllCells) {
    for (const Edges edges : {Edges::kWrapped, Edges::kFlat}) {
        for (const int size : {3, 4, 17}) {
            const Grid start = Grid::random(size, 5, 0.4);
            EXPECT_EQ(next_generation(start, edges), step(start, edges));
        }
    }
    EXPECT_EQ(next_generation(grid_with(1, "O"), Edges::kFlat), Grid(1));
    EXPECT_THROW(next_generation(Grid(2), Edges::kWrapped), std::invalid_argument);
}

TEST(Steps, OscillatorsReturnAfterTheirPeriodAndNotBefore) {
    const std::vector<std::pair<std::string, int>> periods{{"blinker", 2}, {"toad", 2},   {"beacon", 2},
                                                           {"pulsar", 3},  {"galaxy", 8}, {"pentadecathlon", 15}};
    for (const auto& [name, period] : periods) {
        const Grid start = shipped(name, 20);
        for (int count = 1; count < period; ++count) {
            EXPECT_NE(steps(start, count, Edges::kFlat), start) << name;
        }
        EXPECT_EQ(steps(start, period, Edges::kFlat), start) << name;
        EXPECT_EQ(steps(start, period, Edges::kWrapped), start) << name;
    }
}

TEST(Steps, SpaceshipsMoveAndCrossWrappedEdges) {
    const Grid glider = shipped("glider", 8);
    for (int moves = 1; moves <= 8; ++moves) {
        EXPECT_EQ(steps(glider, 4 * moves, Edges::kWrapped), shifted(glider, moves, moves));
    }
    for (const char* name : {"lwss", "mwss", "hwss"}) {
        const Grid ship = shipped(name, 16);
        EXPECT_EQ(steps(ship, 4, Edges::kWrapped), shifted(ship, 0, -2)) << name;
        EXPECT_EQ(steps(ship, 32, Edges::kWrapped), ship) << name;
    }
}

TEST(Steps, TheCopperheadMovesOneCellUpInTenSteps) {
    const Grid ship = shipped("copperhead", 20);
    EXPECT_EQ(steps(ship, 10, Edges::kWrapped), shifted(ship, -1, 0));
}

TEST(Steps, MethuselahsEndAsTheirFilesSay) {
    EXPECT_EQ(living(steps(shipped("diehard", 64), 129, Edges::kFlat)).size(), 2u);
    EXPECT_TRUE(living(steps(shipped("diehard", 64), 130, Edges::kFlat)).empty());
    const Grid switch_engine = shipped("switch-engine", 200);
    EXPECT_GT(living(steps(switch_engine, 500, Edges::kFlat)).size(), 10 * living(switch_engine).size());
}

TEST(Steps, AGliderBecomesABlockInTheCornerOfAFlatGrid) {
    const Grid glider = grid_with(6, ".O.\n..O\nOOO\n");
    EXPECT_EQ(living(steps(glider, 30, Edges::kFlat)), (std::vector<Position>{{4, 4}, {4, 5}, {5, 4}, {5, 5}}));
}

TEST(Steps, TheGunIsBackAfterThirtyWithOneGliderMore) {
    const Grid start = shipped("gosper", 64);
    const Grid later = steps(start, 30, Edges::kFlat);
    for (const Position cell : living(start)) {
        EXPECT_EQ(later.at(cell), Cell::kAlive);
    }
    EXPECT_EQ(living(start).size(), 36u);
    EXPECT_EQ(living(later).size(), 41u);
    EXPECT_EQ(living(steps(start, 60, Edges::kFlat)).size(), 46u);
}

TEST(Steps, SimkinsGunIsBackAfterAHundredAndTwentyWithOneGliderMore) {
    const Grid start = shipped("simkin", 80);
    const Grid later = steps(start, 120, Edges::kFlat);
    for (const Position cell : living(start)) {
        EXPECT_EQ(later.at(cell), Cell::kAlive);
    }
    EXPECT_EQ(living(later).size(), living(start).size() + 5);
}

TEST(Dump, SpellsOutEveryRow) {
    EXPECT_EQ(to_rle(grid_with(4, "..OO\n....\nO..O\n"), Edges::kWrapped),
              "x = 4, y = 4, rule = B3/S23:T4,4\n2b2o$4b$o2bo$4b!\n");
    EXPECT_EQ(to_rle(Grid(1), Edges::kFlat), "x = 1, y = 1, rule = B3/S23:P1,1\nb!\n");
}

TEST(Dump, HasLinesOfAtMostSeventyCharactersAndBreaksNoRun) {
    const std::string rle = to_rle(Grid::random(200, 3), Edges::kFlat);
    std::size_t longest = 0;
    for (std::size_t start = 0; start < rle.size();) {
        const std::size_t end = rle.find('\n', start);
        ASSERT_NE(end, std::string::npos);
        longest = std::max(longest, end - start);
        EXPECT_FALSE(rle[end - 1] >= '0' && rle[end - 1] <= '9' && start != 0) << rle.substr(start, end - start);
        start = end + 1;
    }
    EXPECT_LE(longest, 70u);
    EXPECT_GE(longest, 68u);
}

TEST(Dump, IsReadBackAsTheSameGrid) {
    for (const int size : {1, 2, 3, 37, 100}) {
        for (const Edges edges : {Edges::kWrapped, Edges::kFlat}) {
            for (const Grid& grid : {Grid(size), Grid::random(size, 5)}) {
                const Pattern pattern = parse_pattern(to_rle(grid, edges), "dump.rle");
                EXPECT_EQ(pattern.height, size);
                EXPECT_EQ(pattern.width, size);
                Grid again(size);
                again.place(pattern, Placement::kCentred);
                EXPECT_EQ(again, grid);
            }
        }
    }
}

}  // namespace
