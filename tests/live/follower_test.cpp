#include "live/follower.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k {
namespace {

class FollowerTest : public testing::Test {
protected:
    void note(std::string_view text) { follower.note(FollowedMessage::Way::kOut, Message::Kind::kText, text); }

    std::vector<FollowedMessages> batches;
    Follower follower{ConnectionId{}, [this](FollowedMessages batch) { batches.push_back(std::move(batch)); }};
};

TEST_F(FollowerTest, GivesMessagesInTheirOrder) {
    follower.give();
    EXPECT_TRUE(batches.empty()) << "there is nothing to give";
    note("one");
    note("two");
    follower.give();
    ASSERT_EQ(batches.size(), 1U);
    ASSERT_EQ(batches[0].messages.size(), 2U);
    EXPECT_EQ(batches[0].messages[1].beginning, "two");
}

TEST_F(FollowerTest, KeepsFewMessagesAndCountsTheOthersBehindThem) {
    for (std::size_t i = 0; i < Follower::kMostMessages + 7; ++i) {
        note(std::string(2 * Follower::kMostBytes, 'x'));
    }
    follower.give();
    ASSERT_EQ(batches.size(), 1U);
    EXPECT_EQ(batches[0].messages.size(), Follower::kMostMessages);
    EXPECT_EQ(batches[0].skipped, 7U);
    EXPECT_EQ(batches[0].messages[0].beginning.size(), Follower::kMostBytes);
    EXPECT_EQ(batches[0].messages[0].bytes, 2 * Follower::kMostBytes);
}

TEST_F(FollowerTest, GivesOneBatchAtATime) {
    note("one");
    follower.give();
    note("two");
    follower.give();
    EXPECT_EQ(batches.size(), 1U) << "the page has not taken the first";
    follower.note_taken();
    follower.give();
    ASSERT_EQ(batches.size(), 2U);
    EXPECT_EQ(batches[1].messages[0].beginning, "two");
}

TEST_F(FollowerTest, TellsTheFirstEndAndOnce) {
    follower.note_end(1008);
    follower.note_end(1006);
    follower.give();
    follower.note_taken();
    follower.give();
    ASSERT_EQ(batches.size(), 1U);
    EXPECT_TRUE(batches[0].has_ended);
    EXPECT_EQ(batches[0].code, 1008);
}

}  // namespace
}  // namespace c10k
