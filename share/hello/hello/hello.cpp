#include "hello/hello.hpp"

#include <c10k/groups.hpp>

#include <string>

using namespace c10k;

HelloApp::HelloApp(Services& services) : services_(services), everybody_(services.groups.named("hello")) {
    services.templates.add_folder(PROJECT_DIR "/hello/templates");
    services.static_files.add_folder(PROJECT_DIR "/hello/static");
}

Urls HelloApp::urls() {
    return {
        path("", this, &HelloApp::index, "index"),
        path("ws/", this, &HelloApp::talk, "ws"),
    };
}

Response HelloApp::index(Request& request) {
    Context page = about(request);
    page.set("title", "It works.");
    return services_.templates.render(request, "hello/index.html", page);
}

Context HelloApp::about(const Request& request) const {
    Context::List routes;
    for (const Route& route : services_.urls) {
        const char* kind = route.is_page() ? "page" : "WebSocket";
        routes.push_back({{"path", route.pattern()}, {"kind", kind}, {"name", route.name()}});
    }
    return {{"address", request.local}, {"routes", routes}};
}

// A page says "ping" to measure the way to the server and back, and "say hello" to all pages.
Task<> HelloApp::talk(WebSocket& socket) {
    Membership here = co_await everybody_.join(socket);
    tell_count();
    while (const auto message = co_await socket.recv()) {
        if (message->view() == "ping") {
            co_await socket.send("pong");
        } else if (message->view().starts_with("say ")) {
            everybody_.send(*message);
        }
    }
    here.leave();
    tell_count();
}

void HelloApp::tell_count() { everybody_.send("open " + std::to_string(everybody_.count())); }
