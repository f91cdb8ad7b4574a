// A page and a WebSocket for members only: one place decides who is a member.
#include <c10k/middleware.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>

#include <chrono>

using namespace c10k;

// A real site would look the session up.
bool is_member(const Request& request) { return request.cookies().get("session") == "ann"; }

// [pages]
Task<Response> timed(Request& request, Next<Request> next) {
    const auto start = std::chrono::steady_clock::now();
    Response response = co_await next(request);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    response.headers.set("Server-Timing", "view;dur=" + std::to_string(time.count()));
    co_return response;
}

Task<Response> for_members(Request& request, Next<Request> next) {
    if (!is_member(request)) {
        co_return Response::redirect("/login/");
    }
    co_return co_await next(request);
}
// [/pages]

// [sockets]
Task<> members_only(WebSocket& socket, Next<WebSocket> next) {
    if (!is_member(socket.request())) {
        socket.refuse(403);
        co_return;
    }
    co_await next(socket);
}
// [/sockets]

Response login(Request& /*request*/) {
    Response response = Response::redirect("/");
    response.set_cookie("session", "ann", {.http_only = true});
    return response;
}

Response index(Request& /*request*/) { return Response::html("<h1>Members</h1>\n"); }

// [stream]
Response count(Request& /*request*/) {
    return Response::stream("text/plain; charset=utf-8", [](BodyWriter& body) -> Task<> {
        for (int i = 1; i <= 10; ++i) {
            co_await body.write(std::to_string(i) + '\n');
            co_await sleep_for(std::chrono::milliseconds{100});
        }
    });
}
// [/stream]

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

// [urls]
Urls urls() {
    return {
        middleware(security_headers(), gzip(), timed, members_only),
        path("", index, "index").middleware(for_members),
        path("login/", login, "login"),
        path("count/", count, "count"),
        path("echo/", echo, "echo"),
    };
}
// [/urls]

int main() { return serve(urls(), {.host = "127.0.0.1", .port = 8765}); }
