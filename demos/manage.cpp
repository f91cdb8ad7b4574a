// The demo site: Game of Life and the echo test. `manage --help` tells what it can do.

#include "echo/echo.hpp"
#include "echo/testecho.hpp"
#include "gameoflife/gameoflife.hpp"
#include "gameoflife/server.hpp"
#include "gameoflife/settings.hpp"
#include "gameoflife/shared_game.hpp"

#include <c10k/manage.hpp>
#include <c10k/metrics.hpp>
#include <c10k/web.hpp>

#include <filesystem>

using namespace c10k;

struct Site {
    // [settings]
    static AppSettings settings() { return {life::kLifeControl}; }
    // [/settings]

    explicit Site(Services& services) : services(services), game(services, shared_game), echo(services) {
        const std::filesystem::path demos{C10K_DEMOS_DIR};
        for (const auto& app : {demos, demos / "gameoflife", demos / "echo"}) {
            services.templates.add_folder(app / "templates");
            services.static_files.add_folder(app / "static");
        }
    }

    Urls urls() {
        return {
            path("static/gameoflife/patterns/<path:file>", &patterns, &StaticFiles::serve),
            path("static/<path:file>", &services.static_files, &StaticFiles::serve, "static"),
            path("metrics", &services.metrics, &Metrics::serve, "metrics"),
            path("test/", include(echo.urls(), "test")),
            path("", include(game.urls(), "life")),
        };
    }

    static inline life::SharedGame shared_game;  // all loops have this one

    Services& services;
    StaticFiles patterns{{std::filesystem::path{C10K_DEMOS_DIR} / "gameoflife/patterns"}};  // for the viewer's dialog
    life::Server game;
    echo::Site echo;
};

int main(int argc, char** argv) {
    life::GameOfLife gameoflife;
    echo::TestEcho testecho;
    return manage<Site>(argc, argv, {&gameoflife, &testecho});
}
