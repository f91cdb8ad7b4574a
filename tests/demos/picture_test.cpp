#include "gameoflife/picture.hpp"

#include "demos/page.hpp"
#include "testkit/in_full.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace life {
namespace {

// A board, and the same once more, kept as simply as can be.
class Game {
public:
    explicit Game(int size) : board(size) {}

    void say(std::uint64_t step, int row, int col, int state) {
        const std::string word =
            std::to_string(step) + ' ' + std::to_string(row) + ' ' + std::to_string(col) + ' ' + std::to_string(state);
        board.hear(WorkerMessage::parse(word, board.size()), word, 0, 0);
        const auto [said, is_first] = cells_.try_emplace({row, col}, Cell{step, state, step});
        Cell& cell = said->second;
        if (is_first || cell.state != state || step < cell.step) {
            cell.changed = step;
        }
        cell.step = step;
        cell.state = state;
    }

    // What a page with that view should know.
    [[nodiscard]] std::map<Place, Seen> truth(const View& view) const {
        struct Block {
            std::uint64_t oldest = UINT64_MAX;
            std::uint64_t alive = 0;
            std::uint64_t age = 255;
        };
        std::map<Place, Block> blocks;
        const int side = 1 << view.zoom;
        for (const auto& [place, cell] : cells_) {
            Block& block = blocks[{place.first / side, place.second / side}];
            block.oldest = std::min(block.oldest, cell.step);
            block.alive += static_cast<std::uint64_t>(cell.state);
            block.age = std::min(block.age, cell.step - cell.changed);
        }
        std::map<Place, Seen> seen;
        for (const auto& [place, block] : blocks) {
            const auto [row, col] = place;
            if (row < view.top || row >= view.top + view.rows || col < view.left || col >= view.left + view.columns) {
                continue;
            }
            const int size = board.size();
            const int cells = std::min(side, size - row * side) * std::min(side, size - col * side);
            const std::uint64_t shade = view.zoom == 0 ? block.alive : ceiling(15 * block.alive, cells);
            seen[place] = {.step = block.oldest, .shade = shade, .age = view.ages ? block.age : 0};
        }
        return seen;
    }

    Board board;

private:
    struct Cell {
        std::uint64_t step;
        int state;
        std::uint64_t changed;
    };

    static std::uint64_t ceiling(std::uint64_t number, int divisor) {
        const auto by = static_cast<std::uint64_t>(divisor);
        return number / by + (number % by == 0 ? 0 : 1);
    }

    std::map<Place, Cell> cells_;
};

// Reads a whole frame and hands it to the page.
void show(Game& game, Page& page, const Frame::Order& order) {
    Frame frame{order, game.board.size()};
    while (!frame.is_complete()) {
        frame.read(game.board);
        for (const std::string& part : frame.take_parts()) {
            EXPECT_LE(part.size(), Frame::kMaxPartBytes);
            page.take(part);
        }
    }
    EXPECT_TRUE(page.is_whole);
}

TEST(Picture, ShowsWhatTheCellsHaveSaidAtEachZoomAndInEachViewFrameByFrame) {
    std::mt19937 random{17};
    const auto below = [&](int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); };
    for (std::uint64_t run = 0; run < c10k::testkit::in_full(600, 60); ++run) {
        SCOPED_TRACE(run);
        Game game{1 + below(40)};
        const int size = game.board.size();
        View view{.zoom = below(4), .left = below(size), .top = below(size), .columns = below(50), .rows = below(50)};
        view.ages = below(2) == 1;
        view = view.on(size);
        Page page;
        std::uint64_t since = 0;
        const std::uint64_t spread = std::array<std::uint64_t, 4>{2, 100, 40'000, 200'000'000}[run % 4];
        for (std::uint32_t number = 1; number <= 6; ++number) {
            for (int word = below(size * size) / (below(3) + 1); word > 0; --word) {
                game.say(1000 * number + random() % spread, below(size), below(size), below(2));
            }
            const bool is_key = number == 1 || below(5) == 0;
            const std::uint64_t next = game.board.next_turn();
            show(game, page, {.number = number, .view = view, .is_key = is_key, .since = since});
            since = next;
            ASSERT_EQ(page.blocks, game.truth(view));
        }
    }
}

TEST(Picture, TellsInADeltaOnlyCellsThatHaveSpokenAndCheapGapsBetweenThem) {
    Game game{100};
    for (int col = 0; col < 100; ++col) {
        game.say(0, 50, col, 1);
        game.say(0, 51, col, 1);
    }
    const std::uint64_t since = game.board.next_turn();
    for (const int col : {10, 16, 17, 25}) {  // 11 to 15 cost less than another run, 18 to 24 more
        game.say(1, 50, col, 0);
    }
    const View all = View::whole(100, false);
    Page page;
    show(game, page, {.number = 1, .view = all, .since = since});
    EXPECT_EQ(page.values, 8U + 1U);
    EXPECT_EQ(page.blocks.size(), 9U);
    Frame nothing{{.number = 2, .view = all, .since = game.board.next_turn()}, 100};
    nothing.read(game.board);
    EXPECT_TRUE(nothing.is_complete());
    EXPECT_TRUE(nothing.is_empty());
}

TEST(Picture, KeepsStepsApartThatAreFarFromEachOther) {
    for (const auto& [ahead, width] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {0, 1}, {122, 1}, {123, 2}, {32'762, 2}, {32'763, 4}, {0x7fff'fffe, 4}}) {
        Game game{4};
        game.say(5, 0, 0, 1);
        game.say(5 + ahead, 3, 3, 1);
        Page page;
        show(game, page, {.number = 1, .view = View::whole(4, false), .is_key = true});
        EXPECT_EQ(page.width, width) << ahead;
        EXPECT_EQ(page.blocks, game.truth(View::whole(4, false))) << ahead;
    }
}

TEST(Picture, ShowsACellThatIsTooFarAheadAsFarAsItCanWithItsState) {
    Game game{4};
    game.say(5, 0, 0, 1);
    game.say(UINT64_MAX, 3, 2, 0);
    game.say(UINT64_MAX, 3, 3, 1);
    Page page;
    show(game, page, {.number = 1, .view = View::whole(4, false), .is_key = true});
    EXPECT_EQ((page.blocks[{3, 2}]), (Seen{.step = 5 + 0x7fff'fffeU, .shade = 0}));
    EXPECT_EQ((page.blocks[{3, 3}]), (Seen{.step = 5 + 0x7fff'fffeU, .shade = 1}));
    EXPECT_EQ((page.blocks[{0, 0}]), (Seen{.step = 5, .shade = 1}));
}

// A frame is read in pieces, and the game goes on between them.
TEST(Picture, ShowsCellsRightThatGoAheadOrBeginAgainWhileItIsRead) {
    constexpr int kSide = 150;
    for (const std::uint64_t later : {150ULL, 70'000ULL, 0ULL}) {
        Game game{kSide};
        for (int cell = 0; cell < kSide * kSide; ++cell) {
            game.say(100, cell / kSide, cell % kSide, 1);
        }
        const View all = View::whole(kSide, false);
        Frame frame{{.number = 1, .view = all, .is_key = true}, kSide};
        frame.read(game.board);
        EXPECT_FALSE(frame.is_complete());
        for (int cell = kSide * (kSide - 10); cell < kSide * kSide; ++cell) {
            game.say(later, cell / kSide, cell % kSide, cell % 2);
        }
        Page page;
        while (!frame.is_complete()) {
            frame.read(game.board);
            for (const std::string& part : frame.take_parts()) {
                page.take(part);
            }
        }
        EXPECT_TRUE(page.is_whole);
        EXPECT_EQ(page.blocks, game.truth(all)) << later;
    }
}

TEST(Picture, ComesInPartsOfBoundedSizeAndReadsABoundedNumberOfCellsAtATime) {
    constexpr int kSide = 520;
    Game game{kSide};
    for (int cell = 0; cell < kSide * kSide; ++cell) {
        game.board.hear({.kind = WorkerMessage::Kind::kState, .row = cell / kSide, .col = cell % kSide, .state = 1},
                        "odd", 0, 0);
    }
    for (const int zoom : {0, 1, 9}) {
        const View view = View{.zoom = zoom, .columns = kSide, .rows = kSide, .ages = true}.on(kSide);
        Frame frame{{.number = 1, .view = view, .is_key = true}, kSide};
        Page page;
        while (!frame.is_complete()) {
            const std::size_t before = frame.cells_read();
            frame.read(game.board);
            EXPECT_LE(frame.cells_read() - before, Frame::kCellsAtATime + 1024);
            for (const std::string& part : frame.take_parts()) {
                EXPECT_LE(part.size(), Frame::kMaxPartBytes);
                page.take(part);
            }
        }
        EXPECT_TRUE(page.is_whole);
        EXPECT_EQ(page.blocks.size(), page.columns * page.rows);
        EXPECT_EQ(page.messages, zoom == 0 ? 3U : 1U);
    }
}

TEST(Picture, EndsEarlyWhereItIsCut) {
    Game game{300};
    for (int cell = 0; cell < 300 * 300; ++cell) {
        game.say(100, cell / 300, cell % 300, 1);
    }
    for (const bool reads : {false, true}) {
        Frame frame{{.number = 1, .view = View::whole(300, false), .is_key = true}, 300};
        if (reads) {
            frame.read(game.board);
        }
        frame.cut();
        EXPECT_TRUE(frame.is_complete());
        Page page;
        for (const std::string& part : frame.take_parts()) {
            page.take(part);
        }
        EXPECT_TRUE(page.is_whole);
        EXPECT_EQ(page.messages, 1U);
        EXPECT_EQ(!page.blocks.empty(), reads);
    }
}

TEST(Picture, HoldsOfAViewOnlyWhatIsOnTheGrid) {
    const auto on = [](View view, int size) {
        view = view.on(size);
        return std::tuple{view.zoom, view.left, view.top, view.columns, view.rows};
    };
    using Numbers = std::tuple<int, int, int, int, int>;
    EXPECT_EQ(on({.columns = 9, .rows = 9}, 4), (Numbers{0, 0, 0, 4, 4}));
    EXPECT_EQ(on({.left = 3, .top = 2, .columns = 9, .rows = 9}, 4), (Numbers{0, 3, 2, 1, 2}));
    EXPECT_EQ(on({.left = -2, .top = -9, .columns = 5, .rows = 5}, 4), (Numbers{0, 0, 0, 3, 0}));
    EXPECT_EQ(on({.left = 7, .top = 7, .columns = 5, .rows = 5}, 4), (Numbers{0, 4, 4, 0, 0}));
    EXPECT_EQ(on({.zoom = 40, .columns = 5, .rows = 5}, 4096), (Numbers{12, 0, 0, 1, 1}));
    EXPECT_EQ(on({.zoom = -1, .columns = 5, .rows = -5}, 9), (Numbers{0, 0, 0, 5, 0}));
    EXPECT_EQ(on({.zoom = 1, .columns = 9, .rows = 9}, 9), (Numbers{1, 0, 0, 5, 5}));
    EXPECT_EQ(on({.columns = 9999, .rows = 9999}, 4096), (Numbers{0, 0, 0, 4096, 256}));
    const auto whole = [&](int size) { return on(View::whole(size, false), size); };
    EXPECT_EQ(whole(1), (Numbers{0, 0, 0, 1, 1}));
    EXPECT_EQ(whole(1024), (Numbers{0, 0, 0, 1024, 1024}));
    EXPECT_EQ(whole(1025), (Numbers{1, 0, 0, 513, 513}));
    EXPECT_EQ(whole(4096), (Numbers{2, 0, 0, 1024, 1024}));
}

}  // namespace
}  // namespace life
