// Messages that are JSON.
#include <c10k/json.hpp>
#include <c10k/server.hpp>
#include <c10k/websocket.hpp>

using namespace c10k;
using nlohmann::json;

// [talk]
Task<> talk(WebSocket& socket) {
    co_await socket.send(
        json_text("type", "hello", "names", json_array("ann", "bob"), "limits", json_object("rooms", 3)));
    while (const auto message = co_await socket.recv()) {
        const json said = parse_json(*message);
        co_await socket.send(json_text("type", "said", "text", said.at("text")));
    }
}
// [/talk]

int main() { return serve(talk, {.host = "127.0.0.1", .port = 8765}); }
