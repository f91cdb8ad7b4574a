// The demo's Game of Life, its real server and its real cells, on networks that do what networks do.
#include "gameoflife/grid.hpp"
#include "gameoflife/players.hpp"
#include "gameoflife/server.hpp"
#include "patience.hpp"
#include "testkit/in_full.hpp"

#include <c10k/client.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/simulation.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace life {
namespace {

using namespace c10k;
using namespace std::chrono_literals;
using testkit::Faults;
using testkit::in_full;
using testkit::simulate;
using testkit::Simulation;

constexpr int kSize = 5;
constexpr std::uint64_t kSteps = 6;

// The generations that follow `start` by the rule.
std::vector<Grid> evolution(const Grid& start) {
    std::vector<Grid> steps{start};
    while (steps.size() <= kSteps) {
        Grid next{start.size()};
        for (int row = 0; row < start.size(); ++row) {
            for (int col = 0; col < start.size(); ++col) {
                int alive = 0;
                for (const Position near : neighbours({row, col}, start.size(), Edges::kWrapped)) {
                    alive += steps.back().at(near) == Cell::kAlive ? 1 : 0;
                }
                next.set({row, col}, next_state(steps.back().at({row, col}), alive));
            }
        }
        steps.push_back(next);
    }
    return steps;
}

// The server says on standard output how a game begins.
class Unheard {
public:
    Unheard() { testing::internal::CaptureStdout(); }
    ~Unheard() { testing::internal::GetCapturedStdout(); }
    Unheard(const Unheard&) = delete;
    Unheard& operator=(const Unheard&) = delete;
};

// Somebody who watches a game, and knows what it should become.
class Watcher {
public:
    explicit Watcher(const Grid& start) : truth_(evolution(start)) {}

    Task<> watch(WebSocket& socket) {
        while (seen_ < kAll) {
            const auto message = co_await socket.recv();
            if (!message) {
                co_return;
            }
            std::istringstream lines{std::string{*message}};
            for (std::string line; std::getline(lines, line);) {
                see(line);
            }
        }
    }
    [[nodiscard]] bool has_seen_all() const { return seen_ == kAll; }

private:
    static constexpr std::size_t kAll = kSize * kSize * (kSteps + 1);

    void see(const std::string& line) {
        if (line.starts_with("size ")) {
            return;
        }
        std::uint64_t step = 0;
        Position cell;
        int state = 0;
        std::istringstream{line} >> step >> cell.row >> cell.col >> state;
        std::uint64_t& next = next_[std::pair{cell.row, cell.col}];
        EXPECT_EQ(step, next++) << line;
        ASSERT_LT(step, truth_.size());
        EXPECT_EQ(state, truth_[step].at(cell) == Cell::kAlive ? 1 : 0) << line;
        ++seen_;
    }

    std::vector<Grid> truth_;
    std::map<std::pair<int, int>, std::uint64_t> next_;
    std::size_t seen_ = 0;
};

// Returns how the server closed: 1000 if the new game is in force.
Task<int> reset(Simulation& simulation) {
    int code = 0;
    co_await connect(simulation.endpoint("/reset/"), [&code](WebSocket& socket) -> Task<> {
        co_await socket.send(std::to_string(kSize));
        co_await socket.closed();
        code = socket.close_info().code;
    });
    co_return code;
}

Players players(const Grid& start) { return {start, {.steps = kSteps, .steps_per_second = 0}}; }

TEST(SimulatedLife, PlaysByTheRuleAndTellsWatchersEveryStepOfEveryCell) {
    simulate({.seeds = in_full(1000, 20)}, [](Simulation& simulation) {
        const Unheard unheard;
        const Grid start = Grid::random(kSize, simulation.random(1'000'000));
        Server server{simulation.services()};
        simulation.serve(server.urls());
        Watcher plain{start};
        Watcher batched{start};
        simulation.client("/watcher/", [&](WebSocket& socket) { return plain.watch(socket); });
        simulation.client("/watcher/", [&](WebSocket& socket) { return batched.watch(socket); },
                          {.subprotocols = {"life.batch"}});
        Players cells = players(start);
        simulation.spawn([](Simulation& run, Players& players) -> Task<> {
            co_await sleep_for(1s);  // when somebody watches
            EXPECT_EQ(co_await reset(run), 1000);
            co_await players.play(run.endpoint("/worker/"));
        }(simulation, cells));
        simulation.run();
        EXPECT_TRUE(cells.grid() == evolution(start).back());
        EXPECT_TRUE(plain.has_seen_all());
        EXPECT_TRUE(batched.has_seen_all());
    });
}

TEST(SimulatedLife, NeverShowsAWrongStateWhateverIsLost) {
    simulate({.seeds = in_full(1000, 20), .faults = Faults::harsh()}, [](Simulation& simulation) {
        const Unheard unheard;
        const Grid start = Grid::random(kSize, simulation.random(1'000'000));
        Server server{simulation.services()};
        simulation.serve(server.urls());
        Watcher watcher{start};
        simulation.client("/watcher/", [&](WebSocket& socket) -> Task<> {
            try {
                co_await with_timeout(5min, watcher.watch(socket));
            } catch (const TimedOut&) {  // the game is over
            }
        });
        Players cells = players(start);
        simulation.spawn([](Simulation& run, Players& players) -> Task<> {
            try {
                co_await sleep_for(1s);
                co_await reset(run);
                co_await with_timeout(5min, players.play(run.endpoint("/worker/")));
            } catch (const GameOver&) {
            } catch (const ConnectError&) {
            } catch (const ConnectionClosed&) {
            } catch (const TimedOut&) {
            }
        }(simulation, cells));
        simulation.run();
    });
}

TEST(SimulatedLife, NeverMixesAGameWithTheNext) {
    simulate({.seeds = in_full(1000, 20)}, [](Simulation& simulation) {
        const Unheard unheard;
        const Grid first = Grid::random(kSize, simulation.random(1'000'000));
        const Grid second = Grid::random(kSize, simulation.random(1'000'000));
        Server server{simulation.services()};
        simulation.serve(server.urls());
        Players old_cells = players(first);
        Players new_cells = players(second);
        simulation.spawn([](Simulation& run, Players& before, Players& after) -> Task<> {
            EXPECT_EQ(co_await reset(run), 1000);
            co_await task_group([&](TaskGroup& games) -> Task<> {
                games.spawn([](Simulation& during, Players& players) -> Task<> {
                    try {
                        co_await players.play(during.endpoint("/worker/"));
                    } catch (const GameOver&) {  // 1012
                    }
                }(run, before));
                while (before.progress().connected < static_cast<std::size_t>(kSize * kSize)) {
                    co_await sleep_for(1ms);
                }
                co_await sleep_for(std::chrono::milliseconds{run.random(1000)});
                EXPECT_EQ(co_await reset(run), 1000);
                co_await after.play(run.endpoint("/worker/"));
            });
        }(simulation, old_cells, new_cells));
        simulation.run();
        EXPECT_TRUE(new_cells.grid() == evolution(second).back());
    });
}

// A relay that lets a test hold what a cell says.
class Relay {
public:
    explicit Relay(std::size_t cells) : cells_(cells) {}

    // Called for each state before it goes to all cells around.
    std::function<Task<>(int step)> before = [](int) -> Task<> { co_return; };

    // How many workers have not closed.
    [[nodiscard]] std::size_t open() const {
        return static_cast<std::size_t>(
            std::count_if(workers_.begin(), workers_.end(), [](const WebSocket* worker) { return worker->is_open(); }));
    }

    Task<> worker(WebSocket& socket) {
        workers_.push_back(&socket);
        if (workers_.size() == cells_) {
            tell_all("sub");
        }
        while (auto message = co_await socket.recv()) {
            const std::string text{*message};
            if (text == "sub") {
                if (++subscribed_ == cells_) {
                    tell_all("run");
                }
            } else if (std::count(text.begin(), text.end(), ' ') == 3) {
                co_await before(std::stoi(text));
                co_await relay(text, socket);
            }
        }
        std::erase(workers_, &socket);
    }

private:
    // To eight others, no matter which: on a torus of 3, all are around all.
    Task<> relay(const std::string& text, const WebSocket& from) {
        for (WebSocket* worker : workers_) {
            if (worker != &from && worker->is_open()) {
                co_await worker->send(text);
            }
        }
    }
    void tell_all(const char* text) {
        for (WebSocket* worker : workers_) {
            static_cast<void>(worker->send(text));
        }
    }

    std::size_t cells_;
    std::size_t subscribed_ = 0;
    std::vector<WebSocket*> workers_;
};

// A game of 9 cells and two steps on a relay. Returns what the game ended with; "" if well.
std::string play_on(Simulation& simulation, Relay& relay) {
    simulation.serve({path("", [&relay](WebSocket& socket) { return relay.worker(socket); })});
    Players cells{Grid::random(3, 1), {.steps = 2, .steps_per_second = 0}};
    std::string end;
    simulation.spawn([](Simulation& run, Players& players, std::string& text) -> Task<> {
        const Endpoint server = run.endpoint("/", Patience::with_no_other_limit({}));
        try {
            co_await players.play(server);
        } catch (const GameOver& over) {
            text = over.what();
        }
    }(simulation, cells, end));
    simulation.run();
    return end;
}

TEST(SimulatedLife, WaitsAsLongAsItTakesForAServerThatMovesAtAll) {
    simulate({.seeds = 5}, [](Simulation& simulation) {
        Relay relay{9};
        Semaphore relaying{1};
        relay.before = [&relaying](int) -> Task<> {
            const Semaphore::Permit permit = co_await relaying.acquire();
            co_await sleep_for(20s);  // and so three minutes a step
        };
        EXPECT_EQ(play_on(simulation, relay), "");
    });
}

TEST(SimulatedLife, EndsWhenNothingHasMovedFor30SecondsAndNamesACellThatIsBehind) {
    simulate({.seeds = 5}, [](Simulation& simulation) {
        Relay relay{9};
        int words = 0;
        relay.before = [&words](int step) -> Task<> {
            if (step == 1 && ++words == 9) {
                co_await sleep_for(10min);
            }
        };
        const std::string end = play_on(simulation, relay);
        EXPECT_NE(end.find("no word from a neighbour for 30 s"), std::string::npos) << end;
        EXPECT_TRUE(end.starts_with("cell ")) << end;
    });
}

TEST(SimulatedLife, SaysInEachPhaseWhatItsPlayersWaitFor) {
    simulate({.seeds = 1}, [](Simulation& simulation) {
        const auto slow = [](WebSocket& socket) -> Task<> {
            co_await sleep_for(5s);
            socket.accept();
            co_await sleep_for(5s);
            co_await socket.send("sub");
            while (co_await socket.recv() != Message{"sub"}) {
            }
            co_await sleep_for(5s);
            co_await socket.send("run");
            while (co_await socket.recv()) {  // and no neighbour ever hears of it
            }
        };
        simulation.serve({path("", slow)});
        Players players{Grid::random(3, 1), {.steps = 2, .steps_per_second = 0}};
        std::vector<std::string> awaited;
        simulation.spawn([](Simulation& run, Players& cells, std::vector<std::string>& said) -> Task<> {
            const Endpoint server = run.endpoint("/", Patience::with_no_other_limit({}));
            co_await task_group([&](TaskGroup& group) -> Task<> {
                group.spawn(cells.play(server), [](std::exception_ptr) {});
                for (const Duration time : {3s, 8s, 13s, 25s}) {
                    co_await sleep_for(time - run.now());
                    said.push_back(cells.awaited());
                }
            });
        }(simulation, players, awaited));
        simulation.run();
        ASSERT_EQ(awaited.size(), 4U);
        EXPECT_EQ(awaited[0], "waiting for the server to connect 9 more");
        EXPECT_EQ(awaited[1], "waiting for the server's 'sub'");
        EXPECT_EQ(awaited[2], "waiting for the server's 'run'");
        EXPECT_TRUE(awaited[3].starts_with("cell ")) << awaited[3];
        EXPECT_TRUE(awaited[3].ends_with(" waits for its neighbours")) << awaited[3];
    });
}

TEST(SimulatedLife, Row81NoCellLeavesBeforeTheLastWordHasCome) {
    simulate({.seeds = 5}, [](Simulation& simulation) {
        Relay relay{9};
        int last_words = 0;
        int relayed = 0;
        relay.before = [&](int step) -> Task<> {
            if (step == 2) {
                co_await sleep_for(25s * ++last_words);  // together more than anybody's patience, or close time
                EXPECT_EQ(relay.open(), 9U);
                ++relayed;
            }
        };
        EXPECT_EQ(play_on(simulation, relay), "");
        EXPECT_EQ(relayed, 9);
    });
}

}  // namespace
}  // namespace life
