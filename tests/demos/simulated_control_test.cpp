// What commands do to a game: the demo's real server and its real cells, on networks that do what networks do.
#include "gameoflife/commands.hpp"
#include "gameoflife/grid.hpp"
#include "gameoflife/players.hpp"
#include "gameoflife/server.hpp"
#include "gameoflife/shared_game.hpp"
#include "testkit/in_full.hpp"

#include <c10k/client.hpp>
#include <c10k/simulation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace life {
namespace {

using namespace c10k;
using namespace std::chrono_literals;
using nlohmann::json;
using testkit::in_full;
using testkit::simulate;
using testkit::Simulation;

constexpr int kSize = 5;
constexpr std::size_t kCells = kSize * kSize;

// A game without end whose players are told what a test wants, and verify all that they send.
class ToldGame {
public:
    explicit ToldGame(Simulation& simulation, GameOptions options = {.steps_per_second = 100, .jitter = 0.5})
        : simulation_(simulation), start_{Grid::random(kSize, simulation.random(1'000'000))},
          players_(start_.grid, verified(std::move(options))), commands_(players_, start_),
          server_(simulation.services(), shared_) {
        testing::internal::CaptureStdout();  // the server says there how a game begins
        simulation.serve(server_.urls());
    }
    ~ToldGame() {
        const std::string said = testing::internal::GetCapturedStdout();
        if (testing::Test::HasFailure()) {
            std::fputs(said.c_str(), stdout);
        }
    }
    ToldGame(const ToldGame&) = delete;
    ToldGame& operator=(const ToldGame&) = delete;

    // Plays, and runs `body` once the cells have sent their first states. In the end they leave.
    void play(std::function<Task<>()> body) {
        simulation_.spawn(play_and(std::move(body)));
        simulation_.run();
    }

    // Waits until no cell has sent anything for as long as many steps take.
    Task<> settle() {
        for (std::uint64_t sent = 0; std::exchange(sent, states()) != sent;) {
            co_await sleep_for(20s);
        }
    }
    [[nodiscard]] std::uint64_t states() const { return players_.progress().states_sent; }
    // Runs a command of a page. Returns why it is refused; "" if it is not.
    std::string tell(const std::string& command) {
        try {
            commands_.run(json::parse(command, nullptr, false));
        } catch (const CommandRefused& refused) {
            return refused.what();
        }
        return "";
    }
    Players& players() { return players_; }
    Commands& commands() { return commands_; }
    Simulation& simulation() { return simulation_; }
    const Start& start() const { return start_; }

    // Whether all cells have sent the same steps of this game, and rightly.
    [[nodiscard]] bool is_one_generation() const {
        return states() - players_.progress().states_before == players_.verifier()->verified() * kCells;
    }
    [[nodiscard]] std::uint64_t step() const { return players_.verifier()->verified() - 1; }

private:
    static GameOptions verified(GameOptions options) {
        options.verifies = true;
        return options;
    }

    Task<> play_and(std::function<Task<>()> body) {
        co_await sleep_for(1s);
        co_await connect(simulation_.endpoint("/reset/"), [](WebSocket& socket) -> Task<> {
            co_await socket.send(std::to_string(kSize));
            co_await socket.closed();
        });
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(players_.play(simulation_.endpoint("/worker/", Patience::with_no_other_limit({}))));
            while (states() < kCells) {
                co_await sleep_for(1ms);
            }
            co_await body();
            players_.leave();
        });
    }

    Simulation& simulation_;
    Start start_;
    Players players_;
    Commands commands_;
    SharedGame shared_;
    Server server_;
};

TEST(SimulatedControl, PausesAGameAtOneGenerationAndGoesOnStepByStepAndThenByItself) {
    simulate({.seeds = in_full(300, 5)}, [](Simulation& simulation) {
        ToldGame game{simulation};
        game.play([&]() -> Task<> {
            co_await sleep_for(std::chrono::milliseconds{simulation.random(2000)});
            EXPECT_EQ(game.tell(R"({"pause": true})"), "");
            co_await game.settle();
            EXPECT_TRUE(game.is_one_generation());
            const std::uint64_t paused_at = game.step();
            co_await sleep_for(1min);  // longer than the players' patience
            EXPECT_EQ(game.step(), paused_at);
            for (const std::uint64_t count : {1, 1, 5}) {
                const std::uint64_t before = game.step();
                EXPECT_EQ(game.tell(R"({"step": )" + std::to_string(count) + "}"), "");
                co_await game.settle();
                EXPECT_EQ(game.step(), before + count);
                EXPECT_TRUE(game.is_one_generation());
            }
            EXPECT_EQ(game.tell(R"({"play": true})"), "");
            while (game.step() < paused_at + 20) {
                co_await sleep_for(1ms);
            }
        });
    });
}

// The last step of each cell, as somebody sees it who watches.
class Steps {
public:
    Task<> watch(WebSocket& socket) {
        while (const auto message = co_await socket.recv()) {
            std::istringstream lines{std::string{*message}};
            for (std::string line; std::getline(lines, line);) {
                std::uint64_t step = 0;
                Position cell;
                if (std::istringstream{line} >> step >> cell.row >> cell.col) {
                    steps_[cell] = step;
                }
            }
        }
    }
    std::uint64_t at(Position cell) { return steps_[cell]; }

private:
    std::map<Position, std::uint64_t> steps_;
};

TEST(SimulatedControl, HoldsACellWhoseNeighboursWaitAStepAheadAndTheirsAnotherUntilItIsReleased) {
    simulate({.seeds = in_full(100, 3)}, [](Simulation& simulation) {
        ToldGame game{simulation};
        Steps steps;
        game.play([&]() -> Task<> {
            co_await task_group([&](TaskGroup& group) -> Task<> {
                const auto watch = [&steps](WebSocket& socket) { return steps.watch(socket); };
                group.spawn(connect(simulation.endpoint("/watcher/"), watch));
                co_await sleep_for(1s);
                EXPECT_EQ(game.tell(R"({"hold": [0, 1]})"), "");
                co_await sleep_for(1min);  // longer than the players' patience
                const std::uint64_t held_at = steps.at({0, 1});
                for (int row = 0; row < kSize; ++row) {
                    for (int col = 0; col < kSize; ++col) {
                        const int down = std::min(row, kSize - row);  // on a torus
                        const int right = std::min(std::abs(col - 1), kSize - std::abs(col - 1));
                        EXPECT_EQ(steps.at({row, col}), held_at + static_cast<std::uint64_t>(std::max(down, right)))
                            << row << ' ' << col;
                    }
                }
                EXPECT_EQ(game.commands().play()["held"]["row"], 0);
                EXPECT_EQ(game.commands().play()["held"]["col"], 1);
                EXPECT_EQ(game.tell(R"({"release": true})"), "");
                while (game.step() < held_at + 20) {
                    co_await sleep_for(1ms);
                }
                group.stop();
            });
        });
    });
}

TEST(SimulatedControl, PlaysOneGameAfterTheOtherOnTheSameConnectionsWhateverElseItIsToldMeanwhile) {
    simulate({.seeds = in_full(1000, 20)}, [](Simulation& simulation) {
        ToldGame game{simulation};
        game.play([&]() -> Task<> {
            const std::vector<std::string> commands{
                R"({"pause": true})",   R"({"play": true})",  R"({"step": 3})",
                R"({"speed": 0})",      R"({"speed": 7})",    R"({"hold": [2, 2]})",
                R"({"release": true})", R"({"again": true})", R"({"new": {"pattern": "glider"}})"};
            for (int i = 0; i < 20; ++i) {
                game.tell(commands[simulation.random(commands.size())]);
                co_await sleep_for(std::chrono::milliseconds{simulation.random(300)});
            }
            EXPECT_EQ(game.tell(R"({"new": {"size": 5, "random": {"density": 0.5, "seed": 3}, "speed": 50}})"), "");
            while (game.players().turns().is_ending() || game.step() < 10) {
                co_await sleep_for(1ms);
            }
            EXPECT_TRUE(game.start().grid == Grid::random(kSize, 3, 0.5));
            EXPECT_EQ(game.players().progress().connected, kCells);
        });
    });
}

TEST(SimulatedControl, WaitsForAnotherGameAfterTheLastStepIfItStays) {
    simulate({.seeds = in_full(100, 3)}, [](Simulation& simulation) {
        std::size_t over = 0;
        ToldGame game{simulation, {.steps = 3, .stays = true, .on_over = [&](const Grid&) { ++over; }}};
        game.play([&]() -> Task<> {
            for (std::size_t games = 1; games <= 3; ++games) {
                while (!game.players().is_over()) {
                    co_await sleep_for(1s);
                }
                EXPECT_EQ(over, games);
                EXPECT_EQ(game.step(), 3U);
                EXPECT_EQ(game.players().awaited(), "waiting for the next game");
                EXPECT_EQ(game.tell(R"({"pause": true})"), "the game is over: play it again, or begin a new one");
                co_await sleep_for(1min);  // longer than the players' patience
                EXPECT_EQ(game.tell(R"({"again": true})"), "");
                while (game.players().is_over()) {
                    co_await sleep_for(1ms);
                }
            }
        });
    });
}

TEST(SimulatedControl, LeavesForAGameOnAnotherGridAndTakesNoCommandMeanwhile) {
    simulate({.seeds = in_full(100, 3)}, [](Simulation& simulation) {
        ToldGame game{simulation};
        game.play([&]() -> Task<> {
            EXPECT_EQ(game.tell(R"({"new": {"size": 7, "pattern": "glider", "speed": 3}})"), "");
            EXPECT_EQ(game.tell(R"({"again": true})"), "the cells leave for another game: wait until it runs");
            co_return;
        });
        ASSERT_TRUE(game.commands().next().has_value());
        EXPECT_EQ(game.commands().next()->grid.size(), 7);
        EXPECT_EQ(game.commands().next()->pattern, "glider");
        EXPECT_EQ(game.players().pace().speed(), 3);
        EXPECT_TRUE(game.is_one_generation());
    });
}

TEST(SimulatedControl, SaysWhatToDoInsteadOfWhateverItCannotDo) {
    simulate({.seeds = 1}, [](Simulation& simulation) {
        ToldGame game{simulation};
        EXPECT_EQ(game.tell(R"({"pause": true})"), "the cells are still connecting: wait until the game runs");
        const std::vector<std::pair<std::string, std::string>> refused{
            {"7", "send one of play, pause, step"},
            {"{}", "send one of play, pause, step"},
            {R"({"stop": true})", "send one of play, pause, step"},
            {R"({"step": 1})", "pause it first"},
            {R"({"step": -1})", "a whole number from 0 to 1000000"},
            {R"({"step": 1e300})", "a whole number from 0 to 1000000"},
            {R"({"speed": "fast"})", "from 0.000001 to 1000000000 steps per second, or 0"},
            {R"({"speed": -1})", "from 0.000001 to 1000000000 steps per second, or 0"},
            {R"({"hold": 3})", "such as [12, 7]"},
            {R"({"hold": [1, 2, 3]})", "such as [12, 7]"},
            {R"({"hold": [5, 0]})", "the cell's row must be a whole number from 0 to 4"},
            {R"({"hold": [0, -1]})", "the cell's column must be a whole number from 0 to 4"},
            {R"({"new": true})", "must be an object such as"},
            {R"({"new": {}})", "needs its start: 'rle' (a pattern's text), 'pattern' (a name) or 'random'"},
            {R"({"new": {"size": 0, "random": {}}})", "the size must be from 1 to 4096"},
            {R"({"new": {"size": 5000, "random": {}}})", "from 0 to 4096"},
            {R"({"new": {"size": 2, "random": {}}})", "take a larger size, or a flat grid"},
            {R"({"new": {"wrapped": 1, "random": {}}})", "'wrapped' must be true or false"},
            {R"({"new": {"centered": "no", "pattern": "toad"}})", "'centered' must be true or false"},
            {R"({"new": {"random": {"density": 2}}})", "the density must be from 0 to 1"},
            {R"({"new": {"random": {"density": "x"}}})", "the density must be from 0 to 1"},
            {R"({"new": {"random": {"seed": 0.5}}})", "the seed must be a whole number"},
            {R"({"new": {"pattern": "gosper"}})",
             "36 columns and 9 rows, which do not fit on a grid of size 5: take a "
             "size of at least 36"},
            {R"({"new": {"pattern": "gospel"}})", "shipped are: acorn"},
            {R"({"new": {"pattern": "/etc/hostname"}})", "is no shipped pattern"},
            {R"({"new": {"rle": "x = 3, y = 1, rule = B36/S23\n3o!"}})", "the pattern:1: "},
            {R"({"new": {"rle": ""}})", "empty"},
            {R"({"new": {"pattern": "glider", "speed": -2}})", "from 0.000001 to"},
        };
        game.play([&]() -> Task<> {
            for (const auto& [command, why] : refused) {
                const std::string answer = game.tell(command);
                EXPECT_NE(answer.find(why), std::string::npos) << command << ": " << answer;
            }
            EXPECT_EQ(game.players().pace().speed(), 100);
            EXPECT_FALSE(game.players().turns().is_ending());
            EXPECT_EQ(game.commands().next(), std::nullopt);
            co_return;
        });
    });
}

}  // namespace
}  // namespace life
