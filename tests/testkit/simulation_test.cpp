#include "c10k/simulation.hpp"

#include "c10k/urls.hpp"
#include "testkit/in_full.hpp"
#include "testkit/prng.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Faults;
using testkit::in_full;
using testkit::simulate;
using testkit::Simulation;
using testkit::SimulationFailed;
using testkit::SimulationReport;

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Task<> say_a_few_things(WebSocket& socket) {
    for (int i = 0; i < 5; ++i) {
        co_await socket.send(std::string(static_cast<std::size_t>(1) << (2 * i), 'x'));
        co_await socket.recv();
    }
}

Task<> wait_for_a_message(WebSocket& socket) { co_await socket.recv(); }

void play_echo(Simulation& simulation) {
    simulation.serve({path("", echo)});
    for (int i = 0; i < 10; ++i) {
        simulation.client("/", say_a_few_things);
    }
    simulation.run();
}

// Runs one simulation that is to fail, and returns why it did.
std::string reason_of(const testkit::SimulationOptions& options, const std::function<void(Simulation&)>& body) {
    try {
        simulate(options, body);
    } catch (const SimulationFailed& failed) {
        return failed.reason();
    }
    return "nothing failed";
}

// ---- The same again

TEST(Simulation, IsTheSameToTheLastByteForTheSameSeed) {
    const std::uint64_t seeds = in_full(10'000, 50);
    const auto once = simulate({.seeds = seeds, .faults = Faults::harsh()}, play_echo);
    const auto again = simulate({.seeds = seeds, .faults = Faults::harsh()}, play_echo);
    EXPECT_EQ(once.seeds, seeds);
    EXPECT_EQ(once.trace, again.trace);
}

TEST(Simulation, IsAnotherOneForEachSeed) {
    std::set<std::uint64_t> traces;
    simulate({.seeds = 100}, [&](Simulation& simulation) {
        play_echo(simulation);
        traces.insert(simulation.trace());
    });
    EXPECT_EQ(traces.size(), 100U);
}

TEST(Simulation, DoesNotDependOnWhatRanBeforeIt) {
    const auto third = simulate({.seeds = 1, .first_seed = 3}, play_echo);
    std::uint64_t trace = 0;
    simulate({.seeds = 3}, [&](Simulation& simulation) {
        play_echo(simulation);
        trace = simulation.trace();
    });
    std::uint64_t alone = 0;
    simulate({.seeds = 1, .first_seed = 3}, [&](Simulation& simulation) {
        play_echo(simulation);
        alone = simulation.trace();
    });
    EXPECT_EQ(trace, alone);
    EXPECT_NE(third.trace, 0U);
}

TEST(Simulation, HasNumbersThatAreTheSameOnEveryMachine) {
    testkit::Prng prng{1, 1};
    const std::array<std::uint64_t, 3> numbers{prng.next(), prng.next(), prng.next()};
    EXPECT_EQ(numbers,
              (std::array<std::uint64_t, 3>{2514794820299227868U, 9921522055304172407U, 6813143042545712551U}));
    EXPECT_EQ(testkit::Prng(1, 2).below(1'000'000), 601433U);
}

TEST(Simulation, MovesAClockOfItsOwn) {
    simulate({.seeds = 1, .faults = Faults::none(), .time_limit = 48h}, [](Simulation& simulation) {
        simulation.serve({path("", [](WebSocket& socket) -> Task<> {
            socket.accept();
            co_await sleep_for(24h);
            co_await socket.send("good morning");
        })});
        std::string heard;
        simulation.client("/", [&heard](WebSocket& socket) -> Task<> {
            const auto message = co_await socket.recv();
            heard = message ? std::string{message->view()} : "nothing";
        });
        simulation.run();
        EXPECT_EQ(heard, "good morning");
        EXPECT_GT(simulation.now(), 24h);
    });
}

// ---- Faults

TEST(Simulation, HasEveryFaultThatItIsTold) {
    const auto counts = simulate({.seeds = 200, .faults = Faults::harsh()}, play_echo).faults;
    EXPECT_GT(counts.cut_reads, 0U);
    EXPECT_GT(counts.cut_writes, 0U);
    EXPECT_GT(counts.full, 0U);
    EXPECT_GT(counts.late_answers, 0U);
    EXPECT_GT(counts.held_back, 0U);
    EXPECT_GT(counts.pauses, 0U);
    EXPECT_GT(counts.failed_accepts, 0U);
    EXPECT_GT(counts.refused, 0U);
    EXPECT_GT(counts.resets, 0U);
    EXPECT_GT(counts.half_closes, 0U);
    EXPECT_GT(counts.silences, 0U);
}

TEST(Simulation, HasNoFaultThatItIsNotTold) {
    const auto kind = simulate({.seeds = 50, .faults = Faults::harsh().without_losses()}, play_echo).faults;
    EXPECT_GT(kind.cut_reads, 0U);
    EXPECT_EQ(kind.refused + kind.resets + kind.half_closes + kind.silences, 0U);
    const auto none = simulate({.seeds = 50, .faults = Faults::none()}, play_echo).faults;
    EXPECT_EQ(none.cut_reads + none.cut_writes + none.full + none.late_answers + none.held_back, 0U);
    EXPECT_EQ(none.pauses + none.failed_accepts, 0U);
}

// ---- What fails

TEST(Simulation, FailsIfAClientThrows) {
    const auto reason = reason_of({.seeds = 1}, [](Simulation& simulation) {
        simulation.serve({path("", echo)});
        simulation.client("/", [](WebSocket& socket) -> Task<> {
            co_await socket.send("hello");
            throw std::runtime_error("I expected something else");
        });
        simulation.client("/", wait_for_a_message);  // which is stopped
        simulation.run();
    });
    EXPECT_EQ(reason, "I expected something else");
}

TEST(Simulation, FailsIfAViewThrowsUnlessThatIsExpected) {
    const auto body = [](Simulation& simulation) {
        simulation.serve({path("ws/",
                               [](WebSocket& socket) -> Task<> {
                                   co_await socket.recv();
                                   throw std::runtime_error("no");
                               }),
                          path("page/", [](Request&) -> Response { throw std::runtime_error("no"); })});
        simulation.client("/ws/", [](WebSocket& socket) -> Task<> { co_await socket.send("hello"); });
        simulation.run();
    };
    EXPECT_EQ(reason_of({.seeds = 1}, body), "the view of /ws/ threw: no");
    EXPECT_EQ(reason_of({.seeds = 1, .views_may_fail = true}, body), "nothing failed");
}

TEST(Simulation, FailsIfAPageIsAnsweredWith500) {
    const auto reason = reason_of({.seeds = 1}, [](Simulation& simulation) {
        simulation.serve({path("page/", [](Request&) -> Response { throw std::runtime_error("no"); })});
        simulation.spawn([](Simulation& run) -> Task<> { co_await run.get("/page/"); }(simulation));
        simulation.run();
    });
    EXPECT_EQ(reason, "the view of /page/ threw, and was answered with 500");
}

TEST(Simulation, FailsAndNamesThemIfSomebodyWaitsForEver) {
    const auto reason = reason_of({.seeds = 1, .time_limit = 10min}, [](Simulation& simulation) {
        simulation.serve({path("<slug:room>/", [](WebSocket& socket, std::string_view) { return echo(socket); })});
        simulation.client("/lobby/", say_a_few_things);
        simulation.client("/attic/", wait_for_a_message);
        simulation.run();
    });
    EXPECT_EQ(reason,
              "somebody waits for ever: client 1 of /attic/ is connected; 1 clients of 2 have not "
              "ended, and 0 other tasks; the server has 1 connections");
}

TEST(Simulation, FailsIfNothingWillEverHappen) {
    const auto reason = reason_of({.seeds = 1}, [](Simulation& simulation) {
        simulation.serve({path("", echo)});
        simulation.spawn([]() -> Task<> { co_await until_stopped(); }());
        simulation.run();
    });
    EXPECT_EQ(reason.substr(0, 25), "somebody waits for ever: ");
}

TEST(Simulation, FailsIfSomebodyIsBusyForEver) {
    const auto reason = reason_of({.seeds = 1, .faults = Faults::none()}, [](Simulation& simulation) {
        simulation.serve({path("", echo)});
        simulation.spawn([]() -> Task<> {
            for (;;) {
                co_await yield();
            }
        }());
        simulation.run();
    });
    EXPECT_EQ(reason.substr(0, 27), "somebody is busy for ever: ");
}

TEST(Simulation, FailsIfAClientIsTurnedAwayByTheSite) {
    const auto reason = reason_of({.seeds = 1}, [](Simulation& simulation) {
        simulation.serve({path("lobby/", echo)});
        simulation.client("/loby/", say_a_few_things);
        simulation.run();
    });
    EXPECT_NE(reason.find("cannot connect to ws://127.0.0.1"), std::string::npos) << reason;
}

TEST(Simulation, FailsIfItIsNotRun) {
    const auto body = [](Simulation& simulation) { simulation.serve({path("", echo)}); };
    EXPECT_EQ(reason_of({.seeds = 1}, body), "the test has not called run()");
}

TEST(Simulation, FailsIfItIsTold) {
    int runs = 0;
    const auto reason = reason_of({.failed = [&] { return runs == 3; }}, [&](Simulation& simulation) {
        play_echo(simulation);
        ++runs;
    });
    EXPECT_EQ(reason, "what the test looks for is wrong");
    EXPECT_EQ(runs, 3);
}

// ---- A bug, found

// Seats that are sold once, if it were not for a bug: while the ledger is asked, somebody else may be sold the seat.
class Theatre {
public:
    Urls urls() {
        return {path("seat/", [this](WebSocket& socket) { return sell(socket); })};
    }
    [[nodiscard]] int sold() const noexcept { return sold_; }

private:
    Task<> sell(WebSocket& socket) {
        co_await socket.recv();
        if (is_sold_) {
            co_await socket.send("sold out");
            co_return;
        }
        co_await sleep_for(1ms);  // the ledger takes its time
        is_sold_ = true;
        ++sold_;
        co_await socket.send("yours");
    }

    bool is_sold_ = false;
    int sold_ = 0;
};

struct Sale {
    std::uint64_t trace = 0;

    void operator()(Simulation& simulation) {
        Theatre theatre;
        simulation.serve(theatre.urls());
        for (int i = 0; i < 3; ++i) {
            simulation.client("/seat/", [](WebSocket& socket) -> Task<> {
                co_await socket.send("please");
                co_await socket.recv();
            });
        }
        simulation.run();
        trace = simulation.trace();
        if (theatre.sold() > 1) {
            throw std::runtime_error("sold " + std::to_string(theatre.sold()) + " times");
        }
    }
};

TEST(Simulation, FindsABugAndFailsTheSameWayWhenItsSeedIsRunAgain) {
    Sale sale;
    const auto find = [&sale](const testkit::SimulationOptions& options) -> std::optional<SimulationFailed> {
        try {
            simulate(options, [&sale](Simulation& simulation) { sale(simulation); });
        } catch (const SimulationFailed& failed) {
            return failed;
        }
        return std::nullopt;
    };
    const auto found = find({.seeds = 10'000});
    ASSERT_TRUE(found);
    EXPECT_GT(found->seed(), 1U);  // it is no bug that everybody sees
    const std::uint64_t trace = sale.trace;
    const auto again = find({.seeds = 1, .first_seed = found->seed()});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->reason(), found->reason());
    EXPECT_EQ(sale.trace, trace);
    const std::string command = "C10K_SEED=" + std::to_string(found->seed()) + " C10K_TRACE=1 ";
    EXPECT_NE(std::string_view{found->what()}.find(command), std::string_view::npos);
}

// The failure of the views below, when a test asks for it.
TEST(SimulationOnPurpose, Fails) {
    if (std::getenv("C10K_TEST_FAILS") != nullptr) {
        simulate({.seeds = 10'000}, [](Simulation& simulation) {
            play_echo(simulation);
            EXPECT_NE(simulation.random(20), 7U);
        });
    }
}

// Runs that test in a process of its own; returns what it says.
std::string fail_on_purpose(const std::string& variables) {
    const std::string command = "C10K_TEST_FAILS=1 " + variables + " /proc/" + std::to_string(::getpid()) +
                                "/exe --gtest_filter=SimulationOnPurpose.Fails 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> output{::popen(command.c_str(), "r"), &::pclose};
    std::string text;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), output.get())) {
        text.append(buffer.data(), size);
    }
    return text;
}

TEST(Simulation, SeesWhatGoogleTestHasSeenAndSaysHowToSeeItAgain) {
    const std::string all = fail_on_purpose("");
    const std::size_t said = all.find("To see it again: C10K_SEED=");
    ASSERT_NE(said, std::string::npos) << all;
    EXPECT_NE(all.find("--gtest_filter=SimulationOnPurpose.Fails", said), std::string::npos) << all;
    const std::string seed = std::to_string(std::atoi(all.c_str() + said + 27));
    const std::string again = fail_on_purpose("C10K_SEED=" + seed + " C10K_TRACE=1");
    EXPECT_NE(again.find("Seed " + seed + " fails\n"), std::string::npos) << again;
    EXPECT_NE(again.find(" is connected "), std::string::npos) << again;
    const std::string once_more = fail_on_purpose("C10K_SEED=" + seed + " C10K_TRACE=1");
    EXPECT_EQ(again.substr(0, again.find("[  FAILED")), once_more.substr(0, once_more.find("[  FAILED")));
}

TEST(Simulation, RunsAsManySeedsAsTheEnvironmentSays) {
    const std::string none = fail_on_purpose("C10K_SEEDS=1");
    EXPECT_NE(none.find("[  PASSED  ] 1 test."), std::string::npos) << none;
}

}  // namespace
}  // namespace c10k
