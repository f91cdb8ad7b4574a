// Rooms that are made by entering them: /lobby/ and any other name.
#include <c10k/groups.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <string_view>

using namespace c10k;

class Chat {
public:
    explicit Chat(Services& services) : groups_(services.groups) {}

    Urls urls();

private:
    Response index(Request& /*request*/) { return Response::html("<h1>Rooms</h1>\n"); }
    Task<> room(WebSocket& socket, std::string_view name);

    Groups& groups_;
};

// [views]
Urls Chat::urls() {
    return {
        path("", this, &Chat::index, "index"),            // Response index(Request&)
        path("<slug:room>/", this, &Chat::room, "room"),  // Task<> room(WebSocket&, std::string_view)
    };
}

Task<> Chat::room(WebSocket& socket, std::string_view name) {
    Group room = groups_.named("chat", name);
    Membership here = co_await room.join(socket);
    while (auto message = co_await socket.recv()) {
        room.send(*message);
    }
}
// [/views]

int main() { return serve<Chat>({.host = "127.0.0.1", .port = 8765}); }
