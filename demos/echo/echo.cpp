#include "echo/echo.hpp"

#include <string>
#include <string_view>

namespace echo {

using namespace c10k;

namespace {

// A reply of the message's own kind: a text message may hold only UTF-8 (RFC 6455, 5.6). It is not part of the view,
// because a coroutine's frame keeps room for every temporary as long as it lives.
Message numbered(int number, const Message& message) {
    return {message.kind(), std::to_string(number) + ". " + std::string{message.view()}};
}

}  // namespace

Urls Site::urls() {
    return {
        path("", this, &Site::index, "index"),
        path("ws/", this, &Site::count_to_three, "ws"),
        path("wsgi/", this, &Site::forms, "forms").methods({"GET", "HEAD", "POST"}),
    };
}

Response Site::index(Request& request) { return services_.templates.render(request, "echo/index.html"); }

Response Site::forms(Request& request) {
    const auto fields = [](const Parameters& parameters) {
        Context::List list;
        for (const Parameters::Item& item : parameters) {
            list.push_back({{"name", item.name}, {"value", item.value}});
        }
        return list;
    };
    return services_.templates.render(
        request, "echo/forms.html",
        {{"method", request.method}, {"query", fields(request.query())}, {"form", fields(request.form())}});
}

Task<> Site::count_to_three(WebSocket& socket) {
    co_await socket.send("Hello!");
    for (int count = 1; count <= 3; ++count) {
        const auto message = co_await socket.recv();
        if (!message) {
            co_return;
        }
        co_await socket.send(numbered(count, *message));
    }
    co_await socket.send("Goodbye!");
}

}  // namespace echo
