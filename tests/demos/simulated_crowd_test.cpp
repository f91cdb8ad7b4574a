// The clients of the demo's echo test against servers that are slow, or have stopped.
#include "echo/crowd.hpp"
#include "patience.hpp"

#include <c10k/semaphore.hpp>
#include <c10k/simulation.hpp>

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace echo {
namespace {

using namespace c10k;
using namespace std::chrono_literals;
using testkit::simulate;
using testkit::Simulation;

// They count on standard output.
class Unheard {
public:
    Unheard() { testing::internal::CaptureStdout(); }
    ~Unheard() { testing::internal::GetCapturedStdout(); }
    Unheard(const Unheard&) = delete;
    Unheard& operator=(const Unheard&) = delete;
};

// The echo test as it should be, with `think()` awaited before each reply.
template <typename Think>
auto echo_test(Think think) {
    return [think](WebSocket& socket) -> Task<> {
        co_await socket.send("Hello!");
        for (int number = 1; number <= 3; ++number) {
            const auto message = co_await socket.recv();
            if (!message) {
                co_return;
            }
            co_await think();
            co_await socket.send(std::to_string(number) + ". " + std::string{*message});
        }
        co_await socket.send("Goodbye!");
    };
}

// Lets `crowd` meet a server with this view, and returns how long it took.
Duration meet(Simulation& simulation, Crowd& crowd, std::function<Task<>(WebSocket&)> view) {
    const Unheard unheard;
    simulation.serve({path("", std::move(view))});
    Duration took{0};
    simulation.spawn([](Simulation& run, Crowd& clients, Duration& time) -> Task<> {
        const Endpoint server = run.endpoint("/", Patience::with_no_other_limit({}));
        co_await clients.meet(server, 1);
        time = run.now();
    }(simulation, crowd, took));
    simulation.run();
    return took;
}

TEST(SimulatedCrowd, WaitsAsLongAsItTakesForAServerThatMovesAtAll) {
    simulate({.seeds = 3}, [](Simulation& simulation) {
        Semaphore thinking{1};
        Crowd crowd{50, 100ms};
        const auto think = [&thinking]() -> Task<> {
            const Semaphore::Permit permit = co_await thinking.acquire();
            co_await sleep_for(2s);  // and so 100 s for the last of them
        };
        EXPECT_GT(meet(simulation, crowd, echo_test(think)), 300s);
        EXPECT_NE(crowd.summary().find("50 clients, peak 50, 0 failures"), std::string::npos) << crowd.summary();
        EXPECT_EQ(crowd.failure(), std::nullopt);
    });
}

TEST(SimulatedCrowd, GivesUpWhenNothingHasMovedFor30Seconds) {
    simulate({.seeds = 3}, [](Simulation& simulation) {
        Crowd crowd{50, 1s};
        std::size_t answers = 0;
        const auto think = [&answers]() -> Task<> {
            if (++answers > 55) {  // before anybody has had three
                co_await sleep_for(10min);
            }
        };
        const Duration took = meet(simulation, crowd, echo_test(think));
        EXPECT_GT(took, 30s);
        EXPECT_LT(took, 60s);
        EXPECT_NE(crowd.summary().find("50 x no answer, while nothing moved for 30 s"), std::string::npos)
            << crowd.summary();
        EXPECT_NE(crowd.failure(), std::nullopt);
    });
}

TEST(SimulatedCrowd, DoesNotGiveUpWhileItsClientsWaitOnPurpose) {
    simulate({.seeds = 3}, [](Simulation& simulation) {
        Crowd crowd{1, 10min};
        const auto think = []() -> Task<> { co_return; };
        meet(simulation, crowd, echo_test(think));
        EXPECT_EQ(crowd.failure(), std::nullopt) << crowd.summary();
    });
}

TEST(SimulatedCrowd, AsksNoMoreAtOnceThanCanBeAnsweredSoon) {
    simulate({.seeds = 1}, [](Simulation& simulation) {
        Crowd crowd{1500, 1s};
        std::size_t unanswered = 0;
        std::size_t most = 0;
        const auto think = [&]() -> Task<> {
            most = std::max(most, ++unanswered);
            co_await sleep_for(10s);
            --unanswered;
        };
        meet(simulation, crowd, echo_test(think));
        EXPECT_EQ(most, 1024U);
        EXPECT_NE(crowd.summary().find(", 0 failures"), std::string::npos) << crowd.summary();
    });
}

}  // namespace
}  // namespace echo
