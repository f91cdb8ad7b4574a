#include "groups/loops.hpp"

#include <array>
#include <atomic>

namespace c10k {
namespace {

using CrossLoopOrder = OnTwoLoops;
INSTANTIATE_TEST_SUITE_P(Backends, CrossLoopOrder, real_backends(), backend_name);

constexpr int kMessages = 500;

Task<> send_numbers(WebSocket& socket, std::string name) {
    for (int i = 0; i < kMessages; ++i) {
        co_await socket.send(name + std::to_string(i));
    }
}

// The numbers of each of two senders, "a" and "b", come in their order, and all of them.
Task<> expect_both_in_order(WebSocket& socket) {
    std::array<int, 2> expected{};
    for (int i = 0; i < 2 * kMessages; ++i) {
        const std::string text = co_await next_text(socket);
        int& number = expected[text.front() == 'a' ? 0 : 1];
        if (text != (text.front() == 'a' ? "a" : "b") + std::to_string(number)) {
            ADD_FAILURE() << text << " came instead of number " << number;
            co_return;
        }
        ++number;
    }
}

TEST_P(CrossLoopOrder, OfEachSenderIsKeptForTheMembersOfEveryLoopWhileBothSend) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(0, [this](WebSocket& here) -> Task<> {
            Task<> also_visiting = visit(1, [&here](WebSocket& there) -> Task<> {
                co_await task_group([&](TaskGroup& all) -> Task<> {
                    all.spawn(send_numbers(here, "a"));
                    all.spawn(send_numbers(there, "b"));
                    all.spawn(expect_both_in_order(here));
                    all.spawn(expect_both_in_order(there));
                    co_return;
                });
            });
            co_await std::move(also_visiting);
        });
        co_await std::move(visiting);
    });
}

// Messages through a group and through a member's handle take the same queue.
TEST_P(CrossLoopOrder, OfGroupsAndHandlesIsKeptFromTurnToTurn) {
    std::optional<WebSocketHandle> handle;
    sides[1].app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        const Membership member = co_await sides[1].group->join(socket);
        handle = socket.handle();
        socket.accept();
        co_await socket.recv();
    };
    run_while_all_serve([&]() -> Task<> {
        Task<> visiting = visit(1, [&](WebSocket& there) -> Task<> {
            for (int i = 0; i < kMessages; i += 2) {
                sides[0].group->send(std::to_string(i));
                co_await yield();  // the end of a turn puts it
                handle->send(std::to_string(i + 1));
            }
            for (int i = 0; i < kMessages; ++i) {
                EXPECT_EQ(co_await next_text(there), std::to_string(i));
            }
        });
        co_await std::move(visiting);
    });
}

class CrossLoopCauses : public OnLoops {
protected:
    CrossLoopCauses() : OnLoops(3) {}
};
INSTANTIATE_TEST_SUITE_P(Backends, CrossLoopCauses, real_backends(), backend_name);

Task<> stay_awake() {
    while (true) {
        co_await yield();
    }
}

// In one turn, the first loop sends one message to the two others, and so many more to the third that it takes a while
// to put them there. A client on the second loop, which never sleeps, answers at once. Without the gate of the batch,
// the answer would overtake the message on the third loop.
TEST_P(CrossLoopCauses, ComeBeforeTheirEffectsOnEveryLoop) {
    constexpr int kBulk = 200'000;
    constexpr int kRounds = 5;
    std::atomic<bool> is_answering = false;
    Gate end;
    // A member of "bulk" that is closed, so that nothing is sent to it, and stays a member.
    sides[2].app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        Membership here = co_await sides[2].group->join(socket);
        socket.accept();
        if (co_await next_text(socket) == "bulk") {
            here = co_await sides[2].groups->named("bulk").join(socket);
            socket.close();
            co_await end.wait();
        }
    };
    sides[1].play = [&]() -> Task<> {
        Task<> answering = visit(1, [&](WebSocket& socket) -> Task<> {
            co_await task_group([&](TaskGroup& both) -> Task<> {
                both.spawn(stay_awake());
                is_answering = true;
                while (const auto message = co_await socket.recv()) {
                    if (*message == "cause") {
                        co_await socket.send("effect");
                    }
                }
                both.stop();
            });
        });
        co_await std::move(answering);
    };
    run_while_all_serve([&]() -> Task<> {
        while (!is_answering) {
            co_await yield();
        }
        Task<> closing = visit(2, [](WebSocket& socket) -> Task<> {
            co_await socket.send("bulk");
            co_await socket.closed();
        });
        co_await std::move(closing);
        Task<> listening = visit(2, [&](WebSocket& socket) -> Task<> {
            Group bulk = sides[0].groups->named("bulk");
            for (int round = 0; round < kRounds; ++round) {
                for (int i = 0; i < kBulk; ++i) {
                    bulk.send("bulk");
                }
                sides[0].group->send("cause");
                EXPECT_EQ(co_await next_text(socket), "cause");
                EXPECT_EQ(co_await next_text(socket), "effect");
            }
        });
        co_await std::move(listening);
        sides[0].group->close();
        sides[2].jobs->post_call([&end] { end.open(); });
    });
}

}  // namespace
}  // namespace c10k
