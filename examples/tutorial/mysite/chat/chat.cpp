#include "chat/chat.hpp"

#include <c10k/groups.hpp>

#include <string>

using namespace c10k;

ChatApp::ChatApp(Services& services) : services_(services) {
    services.templates.add_folder(PROJECT_DIR "/chat/templates");
    services.static_files.add_folder(PROJECT_DIR "/chat/static");
}

Urls ChatApp::urls() {
    return {
        path("", this, &ChatApp::index, "index"),
        path("<slug:name>/", this, &ChatApp::room, "room"),
        path("<slug:name>/ws/", this, &ChatApp::talk, "ws"),
    };
}

Response ChatApp::index(Request& request) {
    const Context::List rooms{{{"name", "tea"}}, {{"name", "coffee"}}};
    return services_.templates.render(request, "chat/index.html", {{"rooms", rooms}});
}

Response ChatApp::room(Request& request, std::string_view name) {
    return services_.templates.render(request, "chat/room.html", {{"name", name}});
}

Task<> ChatApp::talk(WebSocket& socket, std::string_view name) {
    Group room = services_.groups.named("chat", name);
    const Membership here = co_await room.join(socket);
    co_await socket.send("Welcome! In this room: " + std::to_string(here.count()));
    while (const auto message = co_await socket.recv()) {
        room.send(*message);
    }
}
