// The demo's Game of Life, its real server and its real cells, on networks that do what networks do.
#include "demos/words.hpp"
#include "gameoflife/feed.hpp"
#include "gameoflife/grid.hpp"
#include "gameoflife/players.hpp"
#include "gameoflife/server.hpp"
#include "gameoflife/shared_game.hpp"
#include "patience.hpp"
#include "testkit/in_full.hpp"

#include <c10k/client.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/simulation.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
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

// Somebody who comes when games of several sizes are played one after the other, and takes batches. Of each cell it
// hears the last word and then the next, and nothing of a game that is over.
class LateWatcher {
public:
    explicit LateWatcher(const std::vector<Grid>& starts) {
        for (const Grid& start : starts) {
            games_[start.size()] = evolution(start);
        }
    }

    // Watches until it knows the end of the last game.
    Task<> watch(WebSocket& socket) {
        while (const auto message = co_await socket.recv()) {
            std::istringstream lines{std::string{*message}};
            for (std::string line; std::getline(lines, line);) {
                see(line);
            }
            if (size_ == games_.rbegin()->first && has_seen_the_end()) {
                co_return;
            }
        }
    }

private:
    [[nodiscard]] bool has_seen_the_end() const {
        return last_steps_.size() == static_cast<std::size_t>(size_ * size_) &&
               std::all_of(last_steps_.begin(), last_steps_.end(),
                           [](const auto& cell) { return cell.second == kSteps; });
    }

    void see(const std::string& line) {
        if (line.starts_with("size ")) {
            size_ = std::stoi(line.substr(5));
            last_steps_.clear();
            return;
        }
        ASSERT_TRUE(games_.contains(size_)) << line;
        std::uint64_t step = 0;
        Position cell;
        int state = 0;
        std::istringstream{line} >> step >> cell.row >> cell.col >> state;
        ASSERT_LT(step, games_[size_].size()) << line;
        EXPECT_EQ(state, games_[size_][step].at(cell) == Cell::kAlive ? 1 : 0) << line;
        const auto [last, is_first] = last_steps_.try_emplace(std::pair{cell.row, cell.col}, step);
        EXPECT_TRUE(is_first || step == last->second || step == last->second + 1) << line << " after " << last->second;
        last->second = step;
    }

    std::map<int, std::vector<Grid>> games_;
    int size_ = 0;
    std::map<std::pair<int, int>, std::uint64_t> last_steps_;
};

// Returns how the server closed: 1000 if the new game is in force.
Task<int> reset(Simulation& simulation, int size = kSize) {
    int code = 0;
    co_await connect(simulation.endpoint("/reset/"), [&code, size](WebSocket& socket) -> Task<> {
        co_await socket.send(std::to_string(size));
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
        SharedGame shared;
        Server server{simulation.services(), shared};
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
        SharedGame shared;
        Server server{simulation.services(), shared};
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
        SharedGame shared;
        Server server{simulation.services(), shared};
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

// A game of 2 x 2 cells whose workers say what the test tells them to.
class Puppets {
public:
    // Ends after release().
    Task<> play(Simulation& simulation) {
        co_await task_group([&](TaskGroup& group) -> Task<> {
            for (int cell = 0; cell < 4; ++cell) {
                group.spawn(worker(simulation));
            }
            co_return;
        });
    }
    // The messages of each worker before it waits.
    std::vector<std::vector<std::string>> parts{4};
    [[nodiscard]] bool have_spoken() const { return spoken_ == 4; }
    void release() { is_released_ = true; }

private:
    Task<> worker(Simulation& simulation) {
        co_await connect(simulation.endpoint("/worker/"), [this](WebSocket& socket) -> Task<> {
            EXPECT_EQ(co_await socket.recv(), Message{"sub"});
            co_await socket.send("sub");
            EXPECT_EQ(co_await socket.recv(), Message{"run"});
            const std::vector<std::string> words = parts.at(begun_++);
            for (const std::string& word : words) {
                co_await socket.send(word);
            }
            ++spoken_;
            while (!is_released_) {
                co_await sleep_for(1ms);
            }
        });
    }

    std::size_t begun_ = 0;
    std::size_t spoken_ = 0;
    bool is_released_ = false;
};

// Where watchers take batches.
Endpoint batches(Simulation& simulation) { return simulation.endpoint("/watcher/", {.subprotocols = {"life.batch"}}); }

// The messages that a watcher gets until nothing has come for `time`.
Task<std::vector<std::string>> watch_for(Simulation& simulation, Duration time) {
    std::vector<std::string> messages;
    const auto view = [&](WebSocket& socket) -> Task<> {
        try {
            while (const auto message = co_await with_timeout(time, socket.recv())) {
                messages.emplace_back(*message);
            }
            ADD_FAILURE() << "closed with " << socket.close_info().code;
        } catch (const TimedOut&) {
        }
    };
    co_await connect(batches(simulation), view);
    co_return messages;
}

TEST(SimulatedLife, TellsALateWatcherTheLastWordOfEveryCellThatHasSpokenAndForgetsThemWithTheGame) {
    simulate({.seeds = in_full(200, 10)}, [](Simulation& simulation) {
        const Unheard unheard;
        SharedGame shared;
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        Puppets puppets;
        // As they were said, by whom they were said; and one cell is silent.
        puppets.parts = {{"0 0 0 1", "1 0 0 0"}, {"0 0 1 1", "00012 0 1 1"}, {"18446744073709551615 1 0 0"}, {}};
        simulation.spawn([](Simulation& run, Puppets& workers) -> Task<> {
            EXPECT_EQ(co_await reset(run, 2), 1000);
            co_await task_group([&](TaskGroup& group) -> Task<> {
                group.spawn(workers.play(run));
                while (!workers.have_spoken()) {
                    co_await sleep_for(1ms);
                }
                co_await sleep_for(1s);
                const std::vector<std::string> late{"size 2", "1 0 0 0\n00012 0 1 1\n18446744073709551615 1 0 0"};
                EXPECT_EQ(co_await watch_for(run, 5s), late);
                workers.release();
            });
            co_await sleep_for(10s);
            const std::vector<std::string> after{"size 2"};
            EXPECT_EQ(co_await watch_for(run, 5s), after);
        }(simulation, puppets));
        simulation.run();
    });
}

TEST(SimulatedLife, NeverTellsALateWatcherAnOlderWordAfterANewerOneOrAWordOfAGameThatIsOver) {
    Faults quick = Faults::benign();
    quick.delay = 2ms;  // a batch has several words of each cell
    simulate({.seeds = in_full(1000, 15), .faults = quick}, [](Simulation& simulation) {
        const Unheard unheard;
        std::vector<Grid> starts;
        std::deque<Players> games;
        for (int size = kSize; size < kSize + 3; ++size) {
            starts.push_back(Grid::random(size, simulation.random(1'000'000)));
            games.emplace_back(starts.back(), GameOptions{.steps = kSteps, .steps_per_second = 0});
        }
        SharedGame shared;
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        const auto play = [&](Players& players) -> Task<> {
            try {
                co_await players.play(simulation.endpoint("/worker/"));
            } catch (const GameOver&) {  // by a reset
            }
        };
        const auto watch = [&]() -> Task<> {
            LateWatcher watcher{starts};
            const auto view = [&](WebSocket& socket) -> Task<> {
                try {
                    co_await with_timeout(1min, watcher.watch(socket));
                } catch (const TimedOut&) {  // it came when all was over
                }
            };
            co_await connect(batches(simulation), view);
        };
        const auto everything = [&]() -> Task<> {
            co_await task_group([&](TaskGroup& group) -> Task<> {
                for (Players& players : games) {
                    EXPECT_EQ(co_await reset(simulation, players.grid().size()), 1000);
                    group.spawn(play(players));
                    // The last game is played to its end, the others until something resets them.
                    const std::uint64_t all = static_cast<std::uint64_t>(players.grid().size()) *
                                              static_cast<std::uint64_t>(players.grid().size()) * (kSteps + 1);
                    const std::uint64_t end = &players == &games.back() ? all : simulation.random(all + 1);
                    while (players.progress().states_sent < end) {
                        co_await sleep_for(std::chrono::milliseconds{simulation.random(8)});
                        group.spawn(watch());
                    }
                }
            });
        };
        simulation.spawn(everything());
        simulation.run();
    });
}

TEST(SimulatedLife, SendsAMillionLastWordsNoFasterThanTheirWatcherReadsThem) {
    constexpr int kLarge = 1000;
    Settings settings = testkit::quiet_settings();
    settings.slow_limit_bytes = 1024 * 1024;  // one that had all of them in its outbox would be closed
    simulate({.seeds = 1, .settings = settings}, [](Simulation& simulation) {
        SharedGame shared;
        Feed& feed = shared.feed;
        const Game game{.number = 1, .size = kLarge, .resets = 1};
        enter(feed, game);
        std::size_t bytes = 0;
        for (int cell = 0; cell < kLarge * kLarge; ++cell) {
            const int row = cell / kLarge;
            const int col = cell % kLarge;
            const std::string word = "9999 " + std::to_string(row) + ' ' + std::to_string(col) + " 1";
            EXPECT_TRUE(say(feed, game, row, col, word));
            bytes += word.size();
        }
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        std::size_t finished = 0;
        const auto watch = [&](WebSocket& socket, Duration delay) -> Task<> {
            EXPECT_EQ(co_await socket.recv(), Message{"size 1000"});
            co_await sleep_for(delay);
            std::size_t cells = 0;
            std::size_t heard = 0;
            while (cells < std::size_t{kLarge} * kLarge) {
                const auto message = co_await socket.recv();
                if (!message) {
                    ADD_FAILURE() << "closed after " << cells << " cells with " << socket.close_info().code;
                    co_return;
                }
                const std::string_view text = message->view();
                EXPECT_LT(text.size(), std::size_t{128} * 1024);
                const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
                cells += lines;
                heard += text.size() - (lines - 1);
            }
            EXPECT_EQ(heard, bytes);
            EXPECT_EQ(finished++, delay == 0s ? 0U : 1U);  // nobody waits for the slow one
        };
        simulation.client("/watcher/", [&](WebSocket& socket) { return watch(socket, 15s); },
                          {.subprotocols = {"life.batch"}});
        simulation.client("/watcher/", [&](WebSocket& socket) { return watch(socket, 0s); },
                          {.subprotocols = {"life.batch"}});
        simulation.run();
        EXPECT_EQ(finished, 2U);
        leave(feed, game);
    });
}

// The step and state of each cell, as a watcher knows them.
class Memory {
public:
    // Whether nothing in `message` is older than what came before.
    bool takes(std::string_view message) {
        std::istringstream lines{std::string{message}};
        bool is_in_order = true;
        for (std::string line; std::getline(lines, line);) {
            std::uint64_t step = 0;
            std::pair<int, int> cell;
            std::istringstream{line} >> step >> cell.first >> cell.second;
            is_in_order = is_in_order && steps_[cell] <= step;
            steps_[cell] = step;
        }
        return is_in_order;
    }
    [[nodiscard]] std::size_t cells() const { return steps_.size(); }

private:
    std::map<std::pair<int, int>, std::uint64_t> steps_;
};

TEST(SimulatedLife, KeepsTheOrderOfEachCellWhileALateWatcherReadsPieceByPiece) {
    constexpr int kLarge = 150;  // several pieces
    Faults quick = Faults::benign();
    quick.delay = 2ms;
    simulate({.seeds = in_full(100, 5), .faults = quick}, [](Simulation& simulation) {
        SharedGame shared;
        Feed& feed = shared.feed;
        const Game game{.number = 1, .size = kLarge, .resets = 1};
        enter(feed, game);
        const auto say_step = [&](int step, int cell) {
            const int row = cell / kLarge;
            const int col = cell % kLarge;
            say(feed, game, row, col,
                std::to_string(step) + ' ' + std::to_string(row) + ' ' + std::to_string(col) + " 1");
        };
        for (int cell = 0; cell < kLarge * kLarge; ++cell) {
            say_step(0, cell);
        }
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        int watching = 3;
        const auto watch = [&](WebSocket& socket) -> Task<> {
            EXPECT_EQ(co_await socket.recv(), Message{"size 150"});
            Memory memory;
            int messages = 0;
            while (memory.cells() < std::size_t{kLarge} * kLarge || ++messages < 50) {
                const auto message = co_await socket.recv();
                EXPECT_TRUE(message && memory.takes(*message));
            }
            --watching;
        };
        for (int i = watching; i > 0; --i) {
            simulation.client("/watcher/", watch, {.subprotocols = {"life.batch"}});
        }
        simulation.spawn([](const int& watchers, const auto& speak) -> Task<> {
            for (int step = 1; watchers > 0; ++step) {
                for (int cell = 0; cell < kLarge * kLarge; cell += 997) {
                    speak(step, cell);
                }
                co_await sleep_for(1ms);
            }
        }(watching, say_step));
        simulation.run();
        leave(feed, game);
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
