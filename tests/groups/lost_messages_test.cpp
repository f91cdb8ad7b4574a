#include "groups/loops.hpp"

#include <semaphore>

namespace c10k {
namespace {

constexpr std::size_t kRoom = 1000;    // bytes that may wait for the other loop
constexpr std::size_t kMessage = 600;  // of which two are too many

std::string numbered(int number) {
    std::string text = std::to_string(number);
    text.append(kMessage - text.size(), ' ');
    return text;
}

// The second loop stands still while the first one sends more than may wait for it.
class LostMessages : public OnTwoLoops {
protected:
    // Sends messages 1 to `count`, each in a turn of its own: the first one finds an empty queue.
    Task<> send_to_loop_that_stands_still(int count) {
        struct Pause {
            std::binary_semaphore has_begun{0};
            std::binary_semaphore may_end{0};
        };
        const auto pause = std::make_shared<Pause>();
        sides[1].jobs->limit(kRoom);
        sides[1].jobs->post_call([pause] {
            pause->has_begun.release();
            pause->may_end.acquire();
        });
        pause->has_begun.acquire();
        for (int i = 1; i <= count; ++i) {
            sides[0].group->send(numbered(i));
            co_await yield();
        }
        co_await yield();
        while_it_stands();
        co_await yield();
        pause->may_end.release();
    }

    std::function<void()> while_it_stands = [] {};
};

INSTANTIATE_TEST_SUITE_P(Backends, LostMessages, real_backends(), backend_name);

TEST_P(LostMessages, CloseAMemberWhoseRouteSaysNothingElseAndOnlyThoseOfThatLoop) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(0, [this](WebSocket& here) -> Task<> {
            Task<> also_visiting = visit(1, [this, &here](WebSocket& there) -> Task<> {
                co_await send_to_loop_that_stands_still(4);
                for (int i = 1; i <= 4; ++i) {
                    EXPECT_EQ(co_await next_text(here), numbered(i));
                }
                EXPECT_EQ(co_await next_text(there), numbered(1));
                EXPECT_EQ(co_await next_text(there), "nothing more");
                EXPECT_EQ(there.close_info().code, 1013);
                EXPECT_EQ(there.close_info().reason, "the server is too busy: messages to a group were lost");
            });
            co_await std::move(also_visiting);
            EXPECT_TRUE(here.is_open());
        });
        co_await std::move(visiting);
    });
    EXPECT_EQ(sides[0].counters->strikes(Limit::kMailboxBytes), 0U);
    EXPECT_EQ(sides[1].counters->strikes(Limit::kMailboxBytes), 1U);
}

// Each pause of the loop that loses messages is told to its members once, and counted once.
TEST_P(LostMessages, AreToldOnceAndLeaveAMemberThatMayMissSome) {
    sides[1].app.route.slow_member = SlowMember::kDropOldest;
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& there) -> Task<> {
            for (const int count : {4, 2}) {
                co_await send_to_loop_that_stands_still(count);
                EXPECT_EQ(co_await next_text(there), numbered(1));
                co_await there.send("and now");  // its loop runs again
                EXPECT_EQ(co_await next_text(there), "and now");
            }
        });
        co_await std::move(visiting);
    });
    EXPECT_EQ(sides[1].counters->strikes(Limit::kMailboxBytes), 2U);
    EXPECT_EQ(sides[1].counters->dropped.value(), 2U);
}

TEST_P(LostMessages, DoNotKeepACloseFromAMember) {
    sides[1].app.route.slow_member = SlowMember::kDropNewest;
    while_it_stands = [this] { sides[0].group->close(4002, "the end"); };
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& there) -> Task<> {
            co_await send_to_loop_that_stands_still(3);
            EXPECT_EQ(co_await next_text(there), numbered(1));
            EXPECT_EQ(co_await next_text(there), "nothing more");
            EXPECT_EQ(there.close_info().code, 4002);
        });
        co_await std::move(visiting);
    });
}

TEST_P(LostMessages, OfAHandleAreToldToTheCaller) {
    std::optional<WebSocketHandle> handle;
    sides[1].app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        const Membership member = co_await sides[1].group->join(socket);
        handle = socket.handle();
        socket.accept();
        co_await socket.recv();
    };
    bool is_queued = true;
    while_it_stands = [&] { is_queued = handle->send(numbered(2)); };
    run_while_all_serve([&]() -> Task<> {
        Task<> visiting = visit(1, [&](WebSocket& there) -> Task<> {
            co_await send_to_loop_that_stands_still(1);
            EXPECT_FALSE(is_queued);
            EXPECT_EQ(co_await next_text(there), numbered(1));
            EXPECT_TRUE(handle->send("there is room again"));
            EXPECT_EQ(co_await next_text(there), "there is room again");
        });
        co_await std::move(visiting);
    });
}

}  // namespace
}  // namespace c10k
