// The demo site: Game of Life and the echo test. `manage --help` tells what it can do.

#include "echo/echo.hpp"
#include "echo/testecho.hpp"
#include "gameoflife/gameoflife.hpp"
#include "gameoflife/server.hpp"

#include <c10k/manage.hpp>

using namespace c10k;

struct Site {
    explicit Site(Services& services) : game(services), echo(services) {}

    Urls urls() {
        return {
            path("test/", include(echo.urls(), "test")),
            path("", include(game.urls(), "life")),
        };
    }

    life::Server game;
    echo::Site echo;
};

int main(int argc, char** argv) {
    life::GameOfLife gameoflife;
    echo::TestEcho testecho;
    return manage<Site>(argc, argv, {&gameoflife, &testecho});
}
