// The demo's Game of Life with a game that it only seems to have: no workers play, the server itself says what they
// would. So pages can watch a million cells on a machine that has no room for a million workers beside a browser.
//
//     life_crowd runserver --set crowd_size=1000 --set crowd_words=1000000

#include "gameoflife/server.hpp"

#include "gameoflife/settings.hpp"
#include "gameoflife/shared_game.hpp"

#include <c10k/manage.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace {

using namespace c10k;
using namespace std::chrono_literals;

const AppSetting<std::uint32_t> kCrowdSize{.name = "crowd_size",
                                           .default_value = 1000,
                                           .bounds = {1, life::Game::kMaxSize},
                                           .reason = "The grid has so many rows and columns."};
const AppSetting<std::uint32_t> kCrowdWords{.name = "crowd_words",
                                            .default_value = 0,
                                            .bounds = {0, 100'000'000},
                                            .reason = "So many cells go on by a step in a second."};

// All the workers of a game.
class Crowd {
public:
    Crowd(life::Feed& feed, int size) : feed_(feed), game_{.number = 1, .size = size, .resets = 1} {
        for (std::uint64_t cell = 0; cell < game_.cells(); ++cell) {
            feed_.enter(game_, "127.0.0.1:1", 0);
            feed_.subscribe(game_);
        }
        feed_.run(game_);
        for (std::uint64_t cell = 0; cell < game_.cells(); ++cell) {
            say_next();
        }
    }

    // Goes on until it is stopped.
    Task<> speak(std::uint32_t words_per_second) {
        constexpr auto kTurn = 10ms;
        for (;;) {
            co_await sleep_for(kTurn);
            for (std::uint64_t words = words_per_second / (1s / kTurn); words > 0; --words) {
                say_next();
            }
        }
    }

private:
    // The cells speak in turn; each pattern of states is another one.
    void say_next() {
        const int row = static_cast<int>(cell_) / game_.size;
        const int col = static_cast<int>(cell_) % game_.size;
        const life::WorkerMessage said{.kind = life::WorkerMessage::Kind::kState,
                                       .step = step_,
                                       .row = row,
                                       .col = col,
                                       .state = (row + col + static_cast<int>(step_)) % 5 == 0 ? 1 : 0};
        const std::string word = std::to_string(said.step) + ' ' + std::to_string(row) + ' ' + std::to_string(col) +
                                 ' ' + std::to_string(said.state);
        feed_.say(game_, said, word, static_cast<std::uint32_t>(cell_), 8);
        if (++cell_ == game_.cells()) {
            cell_ = 0;
            ++step_;
        }
    }

    life::Feed& feed_;
    life::Game game_;
    std::uint64_t cell_ = 0;
    std::uint64_t step_ = 0;
};

struct Site {
    static AppSettings settings() { return {life::kLifeControl, kCrowdSize, kCrowdWords}; }

    explicit Site(Services& services) : services(services), game(services, shared_game) {
        const std::filesystem::path demos{C10K_DEMOS_DIR};
        for (const auto& app : {demos, demos / "gameoflife"}) {
            services.templates.add_folder(app / "templates");
            services.static_files.add_folder(app / "static");
        }
        static std::once_flag once;
        std::call_once(once, [&] {
            crowd = std::make_unique<Crowd>(shared_game.feed, static_cast<int>(services.settings.get(kCrowdSize)));
            services.background.spawn(crowd->speak(services.settings.get(kCrowdWords)));
        });
    }

    Urls urls() {
        return {
            path("static/<path:file>", &services.static_files, &StaticFiles::serve, "static"),
            path("", include(game.urls(), "life")),
        };
    }

    static inline life::SharedGame shared_game;
    static inline std::unique_ptr<Crowd> crowd;  // on the loop that is there first

    Services& services;
    life::Server game;
};

}  // namespace

int main(int argc, char** argv) { return c10k::manage<Site>(argc, argv); }
