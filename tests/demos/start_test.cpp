#include "gameoflife/start.hpp"

#include <c10k/task.hpp>

#include <cstddef>
#include <gtest/gtest.h>
#include <string>

namespace life {
namespace {

constexpr Room kRoom{.connections = 20'000, .bytes = 64 << 20};

bool says(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

TEST(Refusal, IsOfGridsThatNoGameCanBePlayedOn) {
    EXPECT_EQ(refusal(1, Edges::kFlat, kRoom), "");
    EXPECT_EQ(refusal(3, Edges::kWrapped, kRoom), "");
    EXPECT_TRUE(says(refusal(0, Edges::kFlat, kRoom), "from 1 to 4096"));
    EXPECT_TRUE(says(refusal(4097, Edges::kFlat, kRoom), "from 1 to 4096"));
    EXPECT_TRUE(says(refusal(2, Edges::kWrapped, kRoom), "a size of at least 3: take a larger size, or a flat grid"));
}

TEST(Refusal, IsOfGridsWithMoreCellsThanThereIsRoomForAndSaysWhatIsMissing) {
    EXPECT_EQ(refusal(141, Edges::kFlat, kRoom), "");
    EXPECT_TRUE(says(refusal(142, Edges::kFlat, kRoom),
                     "needs 20164 connections, and the program that runs the cells "
                     "may hold 20000: take a smaller size, or raise"));
    constexpr Room kUring{.connections = 100'000'000, .bytes = 64 << 20};
    EXPECT_EQ(refusal(142, Edges::kFlat, kUring), "");
    EXPECT_TRUE(says(refusal(200, Edges::kFlat, kUring), "64 MiB of memory left: take a smaller size"));
}

TEST(Room, IsThatOfThisProcessAndMachine) {
    c10k::run([]() -> c10k::Task<> {
        const Room room = Room::available(Connections::kOwn);
        EXPECT_GT(room.connections, 100U);
        EXPECT_GT(room.bytes, std::size_t{1} << 20);
        EXPECT_LT(room.bytes, std::size_t{1} << 50);
        EXPECT_GT(Room::available(Connections::kShared).connections, std::size_t{1} << 40);
        co_return;
    }());
}

}  // namespace
}  // namespace life
