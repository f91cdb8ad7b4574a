// A server for the Game of Life that does not know the game: it passes each cell's messages on to the eight cells
// around it, and to watchers.
#include <c10k/groups.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace c10k;

// A black canvas on which each message, "ROW COL STATE STEP", becomes a pixel.
constexpr const char* kPage = R"(<!DOCTYPE html>
<html lang="en">
<title>Life</title>
<style>canvas { width: min(90vw, 90vh); image-rendering: pixelated; background: black }</style>
<canvas></canvas>
<script>
    const size = Number(location.pathname.split('/')[1]);
    const canvas = document.querySelector('canvas');
    canvas.width = canvas.height = size;
    const pixels = canvas.getContext('2d');
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/${size}/watch/`);
    socket.onmessage = (event) => {
        const [row, col, state] = event.data.split(' ');
        pixels.fillStyle = state === '1' ? 'gold' : 'black';
        pixels.fillRect(col, row, 1, 1);
    };
</script>
</html>)";

class Life {
public:
    explicit Life(Services& services) : groups_(services.groups) {}

    Urls urls() {
        return {
            path("<int:size>/", this, &Life::page, "page"),
            path("<int:size>/watch/", this, &Life::watch, "watch"),
            path("<int:size>/<int:row>/<int:col>/", this, &Life::cell, "cell"),
        };
    }

private:
    Response page(Request&, int) { return Response::html(kPage); }

    Task<> watch(WebSocket& socket, int size) {
        const Membership here = co_await watchers(size).join(socket);
        co_await socket.recv();  // a watcher has nothing to say: any message ends the view
    }

    // [cell]
    Task<> cell(WebSocket& socket, int size, int row, int col) {
        if (size < 3 || size > 100 || row >= size || col >= size) {
            socket.refuse(404);
            co_return;
        }
        std::vector<Membership> around;
        for (const int down : {-1, 0, 1}) {
            for (const int right : {-1, 0, 1}) {
                if (down != 0 || right != 0) {
                    Group heard = listeners(size, (row + down + size) % size, (col + right + size) % size);
                    around.push_back(co_await heard.join(socket));
                }
            }
        }
        const auto cells = static_cast<std::size_t>(size * size);
        const Membership here = co_await players(size).join(socket);
        if (here.count() > cells) {
            socket.refuse(503, "this game is full");
            co_return;
        }
        socket.accept();
        if (here.count() == cells) {
            players(size).send("go");
        }

        Group mine = listeners(size, row, col);
        Group watching = watchers(size);
        while (const auto message = co_await socket.recv()) {
            mine.send(*message);
            watching.send(*message);
        }
    }
    // [/cell]

    Group players(int size) { return groups_.named("players", std::to_string(size)); }
    Group watchers(int size) { return groups_.named("watchers", std::to_string(size)); }
    // The cells that hear this one.
    Group listeners(int size, int row, int col) {
        return groups_.named({"listeners", std::to_string(size), std::to_string(row), std::to_string(col)});
    }

    Groups& groups_;
};

int main() { return serve<Life>({.host = "127.0.0.1", .port = 8765}); }
