// A view with its tests: a question that has to be answered within ten seconds.
#include <c10k/server.hpp>
#include <c10k/task.hpp>
#include <c10k/testkit.hpp>
#include <c10k/urls.hpp>
#include <c10k/websocket.hpp>

#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <string>

using namespace c10k;
using namespace std::chrono_literals;

// [verdict]
Task<std::string> verdict(WebSocket& socket) {
    try {
        const std::optional<Message> answer = co_await with_timeout(10s, socket.recv());
        co_return answer == "4" ? "right" : "wrong";
    } catch (const TimedOut&) {
        co_return "too late";
    }
}
// [/verdict]

// [view]
Task<> quiz(WebSocket& socket) {
    if (!socket.request().query().get("name")) {
        socket.refuse(403, "Who are you?");
        co_return;
    }
    co_await socket.send("2 + 2?");
    const std::string said = co_await verdict(socket);
    co_await socket.send(said);
}
// [/view]

// [fixture]
class Quiz : public testing::Test {
protected:
    testkit::Server server{{path("quiz/", quiz)}};
};
// [/fixture]

// [answer]
TEST_F(Quiz, SaysWhetherTheAnswerIsRight) {
    auto ann = server.connect("/quiz/?name=ann");
    EXPECT_EQ(ann.recv(), "2 + 2?");
    ann.send("4");
    EXPECT_EQ(ann.recv(), "right");
    EXPECT_EQ(ann.close_info().code, 1000);
}
// [/answer]

// [clock]
TEST_F(Quiz, WaitsTenSeconds) {
    auto ann = server.connect("/quiz/?name=ann");
    EXPECT_EQ(ann.recv(), "2 + 2?");
    server.advance(9999ms);
    EXPECT_FALSE(ann.has_message());
    server.advance(1ms);
    EXPECT_EQ(ann.recv(), "too late");
}
// [/clock]

TEST_F(Quiz, RefusesWhoHasNoName) {
    try {
        (void)server.connect("/quiz/");
        FAIL();
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 403);
    }
}
