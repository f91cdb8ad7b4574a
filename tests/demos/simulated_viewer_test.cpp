// Pages that watch the demo's Game of Life, its real server, on networks that do what networks do.
#include "demos/page.hpp"
#include "demos/words.hpp"
#include "gameoflife/server.hpp"
#include "gameoflife/shared_game.hpp"
#include "testkit/in_full.hpp"

#include <c10k/client.hpp>
#include <c10k/json.hpp>
#include <c10k/simulation.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>

namespace life {
namespace {

using namespace c10k;
using namespace std::chrono_literals;
using testkit::Faults;
using testkit::in_full;
using testkit::simulate;
using testkit::Simulation;

std::string view_text(int columns, int rows, bool ages) {
    return json_text("view",
                     json_object("zoom", 0, "left", 0, "top", 0, "columns", columns, "rows", rows, "ages", ages));
}

// A page that answers each frame when it is whole, until `is_content(page)`. Returns whether it was.
template <typename Condition>
Task<bool> watch(WebSocket& socket, Page& page, Condition is_content) {
    while (const auto message = co_await socket.recv()) {
        if (message->is_text()) {
            continue;
        }
        page.take(*message);
        if (page.is_whole) {
            co_await socket.send(json_text("seen", page.frame));
        }
        if (is_content(page)) {
            co_return true;
        }
    }
    co_return false;
}

TEST(SimulatedViewer, SendsAMillionCellsNoFasterThanTheirPageReadsThem) {
    constexpr int kLarge = 1000;
    Settings settings = testkit::quiet_settings();
    settings.slow_limit_bytes = 1024 * 1024;  // a page that had all of them in its outbox would be closed
    simulate({.seeds = 1, .settings = settings}, [](Simulation& simulation) {
        SharedGame shared;
        const Game game{.number = 1, .size = kLarge, .resets = 1};
        enter(shared.feed, game);
        for (int cell = 0; cell < kLarge * kLarge; ++cell) {
            say(shared.feed, game, cell / kLarge, cell % kLarge, cell % 3 == 0 ? "7 x 1" : "7 x 0");
        }
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        std::size_t finished = 0;
        const auto look = [&](WebSocket& socket, Duration delay) -> Task<> {
            co_await socket.send(view_text(kLarge, kLarge, true));
            co_await sleep_for(delay);
            Page page;
            const auto has_all = [](const Page& seen) { return seen.values == std::size_t{kLarge} * kLarge; };
            EXPECT_TRUE(co_await watch(socket, page, has_all)) << page.values;
            EXPECT_GT(page.messages, 1U);
            EXPECT_EQ(finished++, delay == 0s ? 0U : 1U);  // nobody waits for the slow one
        };
        const EndpointOptions viewer{.subprotocols = {"life.viewer"}};
        simulation.client(
            "/watcher/", [&](WebSocket& socket) { return look(socket, 15s); }, viewer);
        simulation.client(
            "/watcher/", [&](WebSocket& socket) { return look(socket, 0s); }, viewer);
        simulation.run();
        EXPECT_EQ(finished, 2U);
    });
}

TEST(SimulatedViewer, TellsACardAtOnceWhileItSendsAMillionCellsToManyPages) {
    constexpr int kLarge = 1000;
    simulate({.seeds = 1}, [](Simulation& simulation) {
        SharedGame shared;
        const Game game{.number = 1, .size = kLarge, .resets = 1};
        enter(shared.feed, game);
        for (int cell = 0; cell < kLarge * kLarge; ++cell) {
            say(shared.feed, game, cell / kLarge, cell % kLarge, cell % 3 == 0 ? "7 x 1" : "7 x 0");
        }
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        const auto look = [](WebSocket& socket, bool asks) -> Task<> {
            co_await socket.send(view_text(kLarge, kLarge, false));
            bool has_card = false;
            for (std::size_t parts = 0, is_last = 0; is_last == 0;) {
                const auto message = co_await socket.recv();
                if (message->is_text()) {
                    has_card = has_card || message->view().find("card") != std::string_view::npos;
                    continue;
                }
                is_last = static_cast<unsigned char>(message->view()[1]) & 4U;
                if (++parts == 1 && asks) {
                    co_await socket.send(R"({"cell": [7, 7]})");
                }
            }
            EXPECT_EQ(has_card, asks);
        };
        const EndpointOptions viewer{.subprotocols = {"life.viewer"}};
        constexpr int kPages = 20;
        for (int page = 0; page < kPages; ++page) {
            simulation.client(
                "/watcher/", [&, page](WebSocket& socket) { return look(socket, page == 0); }, viewer);
        }
        simulation.run();
    });
}

// Each cell's state follows from its step, so that a page can tell whether it is right.
TEST(SimulatedViewer, ShowsNoWrongStateAndNoOlderStepWhateverIsLostAndWhenever) {
    constexpr int kSize = 40;
    constexpr std::uint64_t kSteps = 30;
    const auto state_at = [](std::uint64_t step, int row, int col) {
        return (step + static_cast<std::uint64_t>(row * 3 + col)) % 5 == 0 ? 1 : 0;
    };
    for (const Faults& faults : {Faults::benign(), Faults::harsh()}) {
        simulate({.seeds = in_full(300, 10), .faults = faults}, [&](Simulation& simulation) {
            SharedGame shared;
            const Game game{.number = 1, .size = kSize, .resets = 1};
            enter(shared.feed, game);
            Server server{simulation.services(), shared};
            simulation.serve(server.urls());
            const auto look = [&](WebSocket& socket) -> Task<> {
                std::map<Place, std::uint64_t> steps;
                const auto is_at_the_end = [&](const Page& page) {
                    bool is_last = page.is_whole && page.blocks.size() == std::size_t{kSize} * kSize;
                    for (const auto& [place, seen] : page.blocks) {
                        std::uint64_t& step = steps[place];
                        EXPECT_GE(seen.step, step);
                        step = seen.step;
                        EXPECT_EQ(static_cast<int>(seen.shade), state_at(step, place.first, place.second));
                        is_last = is_last && step == kSteps;
                    }
                    return is_last;
                };
                co_await socket.send(view_text(kSize, kSize, false));
                Page page;
                try {
                    co_await with_timeout(1min, watch(socket, page, is_at_the_end));
                } catch (const TimedOut&) {
                    ADD_FAILURE() << "the page does not see the end";
                } catch (const ConnectionClosed&) {  // the network has cut it off
                }
            };
            for (int page = 0; page < 3; ++page) {
                simulation.client("/watcher/", look, {.subprotocols = {"life.viewer"}});
            }
            const auto speak = [&]() -> Task<> {
                for (std::uint64_t step = 0; step <= kSteps; ++step) {
                    for (int cell = 0; cell < kSize * kSize; ++cell) {
                        const int row = cell / kSize;
                        const int col = cell % kSize;
                        const std::string place = std::to_string(row) + ' ' + std::to_string(col);
                        say(shared.feed, game, row, col,
                            std::to_string(step) + ' ' + place + ' ' + std::to_string(state_at(step, row, col)));
                        if (simulation.random(500) == 0) {
                            co_await sleep_for(std::chrono::milliseconds{simulation.random(20)});
                        }
                    }
                }
            };
            simulation.spawn(speak());
            simulation.run();
        });
    }
}

// A reset comes in the middle of a frame, again and again.
TEST(SimulatedViewer, ShowsTheGameInForceWhenGamesFollowEachOther) {
    simulate({.seeds = in_full(300, 10)}, [](Simulation& simulation) {
        SharedGame shared;
        Server server{simulation.services(), shared};
        simulation.serve(server.urls());
        const auto begin = [&](std::uint64_t number) {
            const Game game{.number = number, .size = number % 3 == 0 ? 300 : 301, .resets = number};
            enter(shared.feed, game);
            for (int cell = 0; cell < game.size * game.size; cell += 7) {
                say(shared.feed, game, cell / game.size, cell % game.size, std::to_string(number) + " 1");
            }
        };
        constexpr std::uint64_t kGames = 8;
        simulation.client(
            "/watcher/",
            [&](WebSocket& socket) -> Task<> {
                co_await socket.send(view_text(4096, 4096, true));
                Page page;
                const auto shows_the_last = [&](const Page& seen) {
                    for (const auto& [place, cell] : seen.blocks) {
                        EXPECT_EQ(cell.step, seen.blocks.begin()->second.step) << "cells of one game are at one step";
                    }
                    const bool is_last = !seen.blocks.empty() && seen.blocks.begin()->second.step == kGames;
                    return is_last && seen.is_whole && seen.blocks.size() == (301U * 301U + 6) / 7;
                };
                EXPECT_TRUE(co_await watch(socket, page, shows_the_last));
                EXPECT_EQ(page.size, 301U);
            },
            {.subprotocols = {"life.viewer"}});
        const auto play = [&]() -> Task<> {
            for (std::uint64_t number = 1; number <= kGames; ++number) {
                begin(number);
                co_await sleep_for(std::chrono::milliseconds{simulation.random(60)});
            }
        };
        simulation.spawn(play());
        simulation.run();
    });
}

}  // namespace
}  // namespace life
