// The clients of the demo's echo test against servers that are slow, or have stopped.
#include "echo/crowd.hpp"
#include "patience.hpp"

#include <c10k/semaphore.hpp>
#include <c10k/simulation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

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
            if (++answers > 30) {  // before anybody has had three
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

// The echo test's first client prints this, and ends with this, against a server with this view.
struct Greeting {
    std::string printed;
    std::string failure;
    Duration took{0};
};

Greeting await_greeting_of(std::function<Task<>(WebSocket&)> view, EndpointOptions options = {}) {
    Greeting greeting;
    simulate({.seeds = 1}, [&](Simulation& simulation) {
        simulation.serve({path("", view)});
        simulation.spawn([](Simulation& run, EndpointOptions with, Greeting& result) -> Task<> {
            try {
                co_await await_greeting(run.endpoint("/", std::move(with)));
            } catch (const std::runtime_error& error) {
                result.failure = error.what();
            }
            result.took = run.now();
        }(simulation, options, greeting));
        testing::internal::CaptureStdout();
        simulation.run();
        greeting.printed = testing::internal::GetCapturedStdout();
    });
    return greeting;
}

std::size_t count(const std::string& text, const std::string& piece) {
    std::size_t times = 0;
    for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) {
        ++times;
    }
    return times;
}

TEST(Greeting, IsAwaitedInSilenceIfItComesSoon) {
    const Greeting greeting = await_greeting_of([](WebSocket& socket) -> Task<> { co_await socket.send("Hello!"); });
    EXPECT_EQ(greeting.printed, "");
    EXPECT_EQ(greeting.failure, "");
}

TEST(Greeting, IsNamedWithItsServerWhenItDoesNotComeForAFewSeconds) {
    const Greeting greeting = await_greeting_of([](WebSocket& socket) -> Task<> {
        socket.accept();
        co_await sleep_for(20s);
        co_await socket.send("Hello!");
    });
    EXPECT_EQ(count(greeting.printed, "Waiting for ws://"), 1U) << greeting.printed;
    EXPECT_NE(greeting.printed.find(": it is connected, and has not sent 'Hello!' yet\n"), std::string::npos)
        << greeting.printed;
    EXPECT_EQ(greeting.failure, "");
}

TEST(Greeting, IsGivenUpAfter30SecondsOfASilentServer) {
    const Greeting greeting = await_greeting_of([](WebSocket& socket) -> Task<> {
        socket.accept();
        co_await socket.recv();
    });
    EXPECT_TRUE(greeting.failure.starts_with("ws://")) << greeting.failure;
    EXPECT_NE(greeting.failure.find(" is connected, and has not sent 'Hello!' in 30 s"), std::string::npos)
        << greeting.failure;
    EXPECT_GE(greeting.took, 30s);
    EXPECT_LT(greeting.took, 35s);
}

TEST(Greeting, AHandshakeWithoutAnAnswerIsNamedToo) {
    EndpointOptions options;
    options.handshake_time = 10s;
    const auto view = [](WebSocket& socket) -> Task<> {
        co_await sleep_for(10min);
        co_await socket.send("Hello!");
    };
    const Greeting greeting = await_greeting_of(view, options);
    EXPECT_EQ(count(greeting.printed, "it has not answered the opening handshake yet\n"), 1U) << greeting.printed;
    EXPECT_TRUE(greeting.failure.starts_with("cannot connect to ws://")) << greeting.failure;
    EXPECT_NE(greeting.failure.find("it is connected, and has no answer to the handshake after 10 s"),
              std::string::npos)
        << greeting.failure;
}

TEST(SimulatedCrowd, SaysWhatItWaitsForWhenNothingMoves) {
    simulate({.seeds = 1}, [](Simulation& simulation) {
        Crowd crowd{3, 1s};
        const auto think = []() -> Task<> { co_await sleep_for(20s); };
        testing::internal::CaptureStdout();
        simulation.serve({path("", echo_test(think))});
        simulation.spawn([](Simulation& run, Crowd& clients) -> Task<> {
            const Endpoint server = run.endpoint("/", Patience::with_no_other_limit({}));
            co_await clients.meet(server, 1);
        }(simulation, crowd));
        simulation.run();
        const std::string printed = testing::internal::GetCapturedStdout();
        EXPECT_NE(printed.find("Nothing has moved for 5 s: 3 clients wait for an answer of ws://"), std::string::npos)
            << printed;
        EXPECT_LE(count(printed, "Nothing has moved"), 9U) << printed;  // once for each silence
        EXPECT_EQ(crowd.failure(), std::nullopt) << crowd.summary();
    });
}

}  // namespace
}  // namespace echo
