// Every message comes back unchanged.
#include <c10k/server.hpp>
#include <c10k/websocket.hpp>

using namespace c10k;

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

int main() { return serve(echo, {.host = "127.0.0.1", .port = 8765}); }
