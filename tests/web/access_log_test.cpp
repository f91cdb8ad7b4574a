#include "web/access_log.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k {
namespace {

class WebSocketLogTest : public testing::Test {
protected:
    void connect(int count) {
        for (int i = 0; i < count; ++i) {
            log_.connected("/ws/", "127.0.0.1:1234");
        }
    }

    std::vector<std::string> lines_;
    WebSocketLog log_{WebSocketLog::Detail::kSumWhenMany, [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(WebSocketLogTest, WritesALineForEachWhileTheyAreFew) {
    log_.connected("/ws/?a=b", "127.0.0.1:1234");
    log_.disconnected("/ws/", 1001);
    log_.rejected("/ws/", 403, "127.0.0.1:1235", "");
    log_.rejected("/ws/", 503, "127.0.0.1:1235", "full");
    EXPECT_EQ(lines_,
              (std::vector<std::string>{"WebSocket CONNECT /ws/?a=b [127.0.0.1:1234]", "WebSocket DISCONNECT /ws/ 1001",
                                        "WebSocket REJECT /ws/ 403 [127.0.0.1:1235]",
                                        "WebSocket REJECT /ws/ 503 [127.0.0.1:1235]: full"}));
}

TEST_F(WebSocketLogTest, WritesTwentyLinesASecondAtMostThenOneInSum) {
    connect(20 + 1204);
    for (int i = 0; i < 3; ++i) {
        log_.disconnected("/ws/", 1000);
    }
    EXPECT_EQ(lines_.size(), 20U);
    log_.end_second();
    ASSERT_EQ(lines_.size(), 21U);
    EXPECT_EQ(lines_.back(), "WebSockets: +1,204 -3, 1,221 open");
}

TEST_F(WebSocketLogTest, GoesOnInSumWhileThereAreMany) {
    connect(30);
    log_.end_second();
    lines_.clear();
    connect(1'000'000);
    log_.rejected("/ws/", 403, "127.0.0.1:1235", "");
    EXPECT_EQ(lines_.size(), 0U);
    log_.end_second();
    EXPECT_EQ(lines_, std::vector<std::string>{"WebSockets: +1,000,000 -0, 1,000,030 open, 1 rejected"});
}

TEST_F(WebSocketLogTest, ReturnsToSingleLinesAfterASecondWithFew) {
    connect(30);
    log_.end_second();
    connect(20);
    log_.end_second();
    lines_.clear();
    connect(1);
    EXPECT_EQ(lines_, std::vector<std::string>{"WebSocket CONNECT /ws/ [127.0.0.1:1234]"});
    log_.end_second();
    EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(WebSocketLogTest, ReturnsToSingleLinesAfterAQuietSecond) {
    connect(30);
    log_.end_second();
    EXPECT_TRUE(log_.is_in_sum());
    log_.end_second();
    EXPECT_FALSE(log_.is_in_sum());
    lines_.clear();
    connect(1);
    EXPECT_EQ(lines_, std::vector<std::string>{"WebSocket CONNECT /ws/ [127.0.0.1:1234]"});
}

TEST_F(WebSocketLogTest, CountsOnlyTheSecondAtHand) {
    for (int second = 0; second < 3; ++second) {
        connect(20);
        log_.end_second();
    }
    EXPECT_EQ(lines_.size(), 60U);
}

TEST_F(WebSocketLogTest, WritesAllIfToldTo) {
    WebSocketLog each{WebSocketLog::Detail::kEach, [this](std::string_view line) { lines_.emplace_back(line); }};
    for (int i = 0; i < 100; ++i) {
        each.connected("/ws/", "127.0.0.1:1234");
    }
    each.end_second();
    EXPECT_EQ(lines_.size(), 100U);
}

}  // namespace
}  // namespace c10k
