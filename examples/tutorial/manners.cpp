// An echo that greets, ends when it hears "bye", and fails when it hears "boom".
#include <c10k/server.hpp>
#include <c10k/websocket.hpp>

#include <stdexcept>

using namespace c10k;

Task<> echo(WebSocket& socket) {
    co_await socket.send("welcome");
    while (auto message = co_await socket.recv()) {
        if (*message == "bye") {
            co_return;
        }
        if (*message == "boom") {
            throw std::runtime_error("somebody said boom");
        }
        co_await socket.send(*message);
    }
}

int main() { return serve(echo, {.host = "127.0.0.1", .port = 8765}); }
