// The cells of a Game of Life, each a WebSocket client of ./life:  ./crowd SIZE [STEPS]
#include <c10k/client.hpp>
#include <c10k/task.hpp>
#include <c10k/text.hpp>
#include <c10k/websocket.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace c10k;
using namespace std::chrono_literals;

// The state that all cells share: without the others' states, which they have to hear from the server.
struct Game {
    int size;
    long steps;
    std::vector<char> shown;  // each cell's last state, for the picture at the end
};

// A message that a cell sends and receives: "ROW COL STATE STEP".
struct Word {
    int row = 0;
    int col = 0;
    int state = 0;
    long step = 0;

    std::string text() const {
        return std::to_string(row) + ' ' + std::to_string(col) + ' ' + std::to_string(state) + ' ' +
               std::to_string(step);
    }
};

// The next message. Throws if there is none.
Task<std::string> hear(WebSocket& socket) {
    const auto message = co_await socket.recv();
    if (!message) {
        throw std::runtime_error("the server closed: " + printable(socket.close_info().reason));
    }
    co_return std::string{message->view()};
}

Task<> live(WebSocket& socket, Game& game, Word self) {
    if (co_await hear(socket) != "go") {
        throw std::runtime_error("the server did not begin with go");
    }
    // A neighbour may be one step ahead, never two: it waits for this cell, too.
    struct Tally {
        int heard = 0;
        int alive = 0;
    };
    std::array<Tally, 2> tallies;
    co_await socket.send(self.text());
    while (self.step < game.steps) {
        Tally& now = tallies[static_cast<std::size_t>(self.step % 2)];
        while (now.heard < 8) {
            Word word;
            const std::string text = co_await hear(socket);
            if (std::sscanf(text.c_str(), "%d %d %d %ld", &word.row, &word.col, &word.state, &word.step) != 4 ||
                word.step < self.step || word.step > self.step + 1) {
                throw std::runtime_error("what is \"" + text + "\"?");
            }
            Tally& tally = tallies[static_cast<std::size_t>(word.step % 2)];
            ++tally.heard;
            tally.alive += word.state;
        }
        self.state = now.alive == 3 || (now.alive == 2 && self.state == 1) ? 1 : 0;
        now = {};
        co_await sleep_for(50ms);
        ++self.step;
        game.shown[static_cast<std::size_t>(self.row * game.size + self.col)] = static_cast<char>(self.state);
        co_await socket.send(self.text());
    }
}

void show(const Game& game) {
    for (std::size_t i = 0; i < game.shown.size(); ++i) {
        std::putchar(game.shown[i] == 1 ? '#' : '.');
        if ((i + 1) % static_cast<std::size_t>(game.size) == 0) {
            std::putchar('\n');
        }
    }
    std::fflush(stdout);
}

// [crowd]
Task<> crowd(Game& game) {
    show(game);
    co_await task_group([&game](TaskGroup& cells) -> Task<> {
        for (int row = 0; row < game.size; ++row) {
            for (int col = 0; col < game.size; ++col) {
                const Word self{row, col, game.shown[static_cast<std::size_t>(row * game.size + col)], 0};
                const Endpoint place{"ws://127.0.0.1:8765/" + std::to_string(game.size) + '/' + std::to_string(row) +
                                     '/' + std::to_string(col) + '/'};
                cells.spawn(connect(place, [&game, self](WebSocket& socket) { return live(socket, game, self); }));
            }
        }
        co_return;
    });
}
// [/crowd]

int main(int argc, char** argv) {
    const int size = argc > 1 ? std::atoi(argv[1]) : 0;
    if (size < 5 || size > 100) {
        std::fputs("usage: crowd SIZE [STEPS], with a SIZE from 5 to 100\n", stderr);
        return 2;
    }
    Game game{size, argc > 2 ? std::atol(argv[2]) : std::numeric_limits<long>::max(), {}};
    game.shown.resize(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
    for (const auto& [row, col] : {std::pair{0, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}}) {  // a glider
        game.shown[static_cast<std::size_t>(row * size + col)] = 1;
    }
    try {
        run(crowd(game));
        std::printf("After %ld steps:\n", game.steps);
        show(game);
        return 0;
    } catch (const Stopped&) {  // Ctrl-C
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
