#include "connection/inbox.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

TEST(Inbox, IsFirstInFirstOut) {
    Inbox queue;
    EXPECT_TRUE(queue.empty());
    queue.push("one");
    queue.push("two");
    EXPECT_EQ(queue.pop(), "one");
    queue.push("three");
    queue.push(Message::binary("four"));
    EXPECT_EQ(queue.pop(), "two");
    EXPECT_EQ(queue.pop(), "three");
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(queue.pop(), Message::binary("four"));
    EXPECT_TRUE(queue.empty());
}

TEST(Inbox, CountsMemorySoThatEmptyMessagesAreBoundedToo) {
    Inbox queue;
    queue.push("Hello");
    const std::size_t one = queue.bytes();
    EXPECT_GE(one, 5u);
    queue.push(Message{});
    EXPECT_GE(queue.bytes(), one + 16);
    EXPECT_EQ(queue.pop(), "Hello");
    EXPECT_EQ(queue.pop(), "");
    EXPECT_EQ(queue.bytes(), 0u);
}

TEST(Inbox, SharesBlocksWithHandlesElsewhere) {
    Message outside("kept outside");
    {
        Inbox queue;
        queue.push(outside);
        queue.push("only here");
        EXPECT_EQ(queue.pop().view().data(), outside.view().data());
        queue.push(outside);
    }  // the queue frees what is left in it
    EXPECT_EQ(outside, "kept outside");
}

}  // namespace
}  // namespace c10k
