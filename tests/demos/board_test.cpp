#include "gameoflife/board.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace life {
namespace {

using Places = std::vector<std::pair<int, int>>;

void hear(Board& board, const std::string& word, std::uint32_t worker = 0) {
    board.hear(WorkerMessage::parse(word, board.size()), word, worker, 0);
}

const BoardCell& cell(const Board& board, int row, int col) { return board.row(row)[static_cast<std::size_t>(col)]; }

// Steps with how many cells are alive and dead there, as text.
std::string counts(const Board& board) {
    std::string text;
    for (const auto& [step, count] : board.steps()) {
        text += std::to_string(step) + ": " + std::to_string(count.alive) + '+' + std::to_string(count.dead) + ' ';
    }
    return text;
}

TEST(Board, GivesEachWordBackToTheByteEvenIfItIsOddlyWritten) {
    Board board{12};
    for (const char* word :
         {"0 0 0 1", "007 0 1 0", "18446744073709551615 0 2 1", "5 00 3 1", "5 0 04 1", "5 0 11 0"}) {
        hear(board, word);
    }
    std::string lines;
    board.append_words(0, lines);
    EXPECT_EQ(lines, "0 0 0 1\n007 0 1 0\n18446744073709551615 0 2 1\n5 00 3 1\n5 0 04 1\n5 0 11 0");
    hear(board, "8 0 1 0");
    EXPECT_EQ(board.word(0, 1), "8 0 1 0");
    EXPECT_EQ(board.word(0, 3), "5 00 3 1");
}

TEST(Board, CountsCellsByStepAndThoseThatLive) {
    Board board{3};
    hear(board, "0 0 0 1");
    hear(board, "0 0 1 0");
    hear(board, "7 2 2 1");
    EXPECT_EQ(counts(board), "0: 1+1 7: 1+0 ");
    EXPECT_EQ(board.population(), 2U);
    hear(board, "1 0 0 0");
    hear(board, "1 0 1 0");
    EXPECT_EQ(counts(board), "1: 0+2 7: 1+0 ");
    EXPECT_EQ(board.population(), 1U);
    hear(board, "0 2 2 0");  // the same start again
    EXPECT_EQ(counts(board), "0: 0+1 1: 0+2 ");
    EXPECT_EQ(board.population(), 0U);
}

TEST(Board, KnowsForHowManyStepsACellHasNotChanged) {
    Board board{3};
    const auto age_after = [&](const std::string& word) {
        hear(board, word);
        return static_cast<unsigned>(cell(board, 1, 1).age);
    };
    EXPECT_EQ(age_after("0 1 1 1"), 0U);
    EXPECT_EQ(age_after("1 1 1 1"), 1U);
    EXPECT_EQ(age_after("4 1 1 1"), 4U);
    EXPECT_EQ(age_after("5 1 1 0"), 0U);
    EXPECT_EQ(age_after("260 1 1 0"), 255U);
    EXPECT_EQ(age_after("18446744073709551615 1 1 0"), 255U);
    EXPECT_EQ(age_after("0 1 1 0"), 0U);  // the same start again
}

TEST(Board, MissesCellsThatLeftBehindTheYoungest) {
    Board board{3};
    hear(board, "4 0 0 1");
    hear(board, "5 0 1 1");
    hear(board, "5 0 2 1");
    board.leave(0, 0);
    board.leave(0, 0);
    board.leave(0, 1);  // it is not behind
    board.leave(2, 2);  // it has never spoken
    EXPECT_EQ(board.missing(), 1U);
    EXPECT_EQ(board.some_missing(9), (Places{{0, 0}}));
    hear(board, "6 0 2 1");
    EXPECT_EQ(board.missing(), 2U);
    EXPECT_EQ(board.some_missing(9), (Places{{0, 0}, {0, 1}}));
    EXPECT_EQ(board.some_missing(1), (Places{{0, 0}}));
    hear(board, "5 0 0 1");  // another worker speaks for it
    EXPECT_EQ(board.missing(), 1U);
    EXPECT_EQ(board.some_missing(9), (Places{{0, 1}}));
}

TEST(Board, MarksWhatWasSaidInATurn) {
    Board board{3};
    hear(board, "0 0 0 1");
    const std::uint64_t turn = board.next_turn();
    EXPECT_LT(board.last_turn(), turn);
    hear(board, "0 1 1 1");
    EXPECT_EQ(board.last_turn(), turn);
    EXPECT_LT(board.row_turn(0), turn);
    EXPECT_EQ(board.row_turn(1), turn);
    EXPECT_EQ(cell(board, 1, 1).turn, turn);
    EXPECT_LT(cell(board, 0, 0).turn, turn);
}

}  // namespace
}  // namespace life
