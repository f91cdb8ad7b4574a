// The site that the hostile tests are against: one view for each thing that a peer can meet.

#include <c10k/manage.hpp>
#include <c10k/web.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace c10k;

// Of all loops together.
std::atomic<int> running_views;
std::array<std::atomic<int>, 5000> ends_with_code;

// Counts a page's view or a stream while it runs.
class Running {
public:
    Running() { ++running_views; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { --running_views; }
};

// Counts a WebSocket's view while it runs, and the code that its socket was closed with.
class Visit {
public:
    explicit Visit(const WebSocket& socket) : socket_(socket) { ++running_views; }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() {
        --running_views;
        if (!socket_.is_open()) {
            ++ends_with_code.at(socket_.close_info().code);
        }
    }

private:
    const WebSocket& socket_;
};

Task<> echo(WebSocket& socket) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Task<> fail(WebSocket& socket) {
    const Visit visit{socket};
    if (const auto message = co_await socket.recv()) {
        throw std::runtime_error("the view fails, as it should");
    }
}

// The text of a site's exception quotes the peer's bytes, whatever those are.
Task<> complain(WebSocket& socket) {
    const Visit visit{socket};
    if (const auto message = co_await socket.recv()) {
        throw std::runtime_error("this cannot be: " + std::string{message->view()});
    }
}
Response complain_of_body(Request& request) { throw std::runtime_error("this cannot be: " + request.body); }

// Only block() takes it, on whatever thread.
sigset_t release_signal() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGUSR1);
    return signals;
}

// Holds its loop, and all that live there, until SIGUSR1. It says so past the loop.
Task<> block(WebSocket& socket) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        std::puts("a view blocks its loop");
        std::fflush(stdout);
        const sigset_t release = release_signal();
        int received = 0;
        ::sigwait(&release, &received);
        co_await socket.send(*message);
    }
}

// Reads nothing and sends nothing.
Task<> ignore(WebSocket& socket) {
    const Visit visit{socket};
    socket.accept();
    co_await socket.closed();
}

// Sends as fast as the peer takes it.
Task<> pour(WebSocket& socket) {
    const Visit visit{socket};
    const Message message{std::string(64 * 1024, 'x')};
    for (;;) {
        co_await socket.send(message);
    }
}

// Closes with that code, and with the message as the reason.
Task<> close(WebSocket& socket, std::uint16_t code) {
    const Visit visit{socket};
    if (const auto message = co_await socket.recv()) {
        socket.close(code, *message);
    }
}

// Goes on sending and closing after it has closed.
Task<> send_late(WebSocket& socket) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        socket.close(3000, "over");
        socket.handle().send("late");
        socket.close(3001, "over again");
        co_await socket.send("late");
    }
}

// Takes nothing and sends nothing, but gets what publish() sends.
Task<> belong(WebSocket& socket, Group crowd) {
    const Visit visit{socket};
    const Membership membership = co_await crowd.join(socket);
    socket.accept();
    while (co_await socket.recv()) {
    }
}

// Sends what comes to all members.
Task<> publish(WebSocket& socket, Group crowd) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        crowd.send(*message);
    }
}

// Answers after a moment.
Task<Response> answer_later(Request& /*request*/) {
    co_await sleep_for(std::chrono::milliseconds{20});
    co_return Response::text("later");
}

// Closes all members with that code, and with what comes as the reason, and says what came of it.
Task<> close_all(WebSocket& socket, Group crowd, std::uint16_t code) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        std::string outcome = "closed";
        try {
            crowd.close(code, *message);
        } catch (const std::invalid_argument& error) {
            outcome = error.what();
        }
        co_await socket.send(outcome);
    }
}

// A site's use of structures: it copies, writes, looks inside and puts something around them.
Response echo_json(Request& request) {
    const nlohmann::json value = request.json();
    const nlohmann::json copy = value;  // NOLINT(performance-unnecessary-copy-initialization): that is the test
    return Response::json({{"sent", copy}});
}
Response greet(Request& request) { return Response::text(request.json().value("name", "nobody")); }
Task<> echo_json_messages(WebSocket& socket) {
    const Visit visit{socket};
    while (auto message = co_await socket.recv()) {
        const nlohmann::json value = parse_json(message->view());
        nlohmann::json answer;
        answer["sent"] = value;
        co_await socket.send(answer.dump());
    }
}
Response echo_fields(Request& request) {
    nlohmann::json fields = nlohmann::json::array();
    for (const Parameters& parameters : {request.query(), request.form(), request.cookies()}) {
        for (const auto& [name, value] : parameters) {
            fields.push_back({name, value});
        }
    }
    return Response::json(fields);
}

Task<> wait_for_ever() {
    const Running running;
    co_await until_stopped();
}

// Waits for something else than its client, as long as that is there.
Task<> wait_while_open(WebSocket& socket) {
    socket.accept();
    co_await while_open(socket, wait_for_ever());
}

// A long poll for what never comes.
Task<Response> poll(Request& /*request*/) {
    co_await wait_for_ever();
    co_return Response::text("news");
}

// Server-sent events, of which there is one.
Response events(Request& /*request*/) {
    return Response::stream("text/event-stream", [](BodyWriter& body) -> Task<> {
        co_await body.write("data: first\n\n");
        co_await wait_for_ever();
    });
}

// Reads the body while it arrives; the two below answer at once and never.
Task<Response> count_pieces(Request& /*request*/, BodyReader& body) {
    const Running running;
    std::uint64_t size = 0;
    for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
        size += piece.size();
    }
    co_return Response::text(std::to_string(size));
}
Task<Response> refuse_body(Request& /*request*/, BodyReader& /*body*/) { co_return Response::text("no", 403); }
Task<Response> leave_body(Request& /*request*/, BodyReader& /*body*/) {
    co_await wait_for_ever();
    co_return Response::text("never");
}

Response size_of_body(Request& request) { return Response::text(std::to_string(request.body.size())); }
Response count_views(Request& /*request*/) { return Response::text(std::to_string(running_views)); }
Response count_ends(Request& /*request*/, std::uint16_t code) {
    return Response::text(std::to_string(ends_with_code.at(code)));
}

constexpr Compression kKept{.from_bytes = 0, .context_takeover = ContextTakeover::kYes, .window_bits = 15};

struct Site {
    explicit Site(Services& services)
        : metrics(services.metrics), crowd(services.groups.named("crowd")), relayed(services.groups.named("relayed")),
          static_files(services.static_files), templates(services.templates), routes(services.urls) {}

    Urls urls() {
        return {
            path("echo/", echo).subprotocols({"chat"}),
            path("fail/", fail),
            path("complain/", complain),
            path("complain/body/", complain_of_body).methods({"POST"}),
            path("block/", block),
            path("ignore/", ignore),
            path("pour/", pour),
            path("close/<int:code>/", close),
            path("late/", send_late),
            path("deflate/", echo).compression(kKept),
            path("deflate/forgetting/", echo).compression({.from_bytes = 0}),
            path("deflate/ignore/", ignore).compression(kKept),
            path("member/close/", this, &Site::member),
            path("member/oldest/", this, &Site::member).slow_member(SlowMember::kDropOldest),
            path("member/newest/", this, &Site::member).slow_member(SlowMember::kDropNewest),
            path("publish/", this, &Site::publisher),
            path("relay/", this, &Site::relay),
            path("publish/close/<int:code>/", this, &Site::closer),
            path("waiting/", wait_while_open),
            path("poll/", poll),
            path("events/", events),
            path("body/", size_of_body).methods({"GET", "POST"}),
            path("upload/", count_pieces).methods({"POST"}),
            path("upload/refused/", refuse_body).methods({"POST"}),
            path("upload/unread/", leave_body).methods({"POST"}),
            path("later/", answer_later),
            path("json/", echo_json).methods({"POST"}),
            path("json/name/", greet).methods({"POST"}),
            path("json/messages/", echo_json_messages),
            path("fields/", echo_fields).methods({"GET", "POST"}),
            path("template/<path:name>", this, &Site::render).methods({"GET", "POST"}),
            path("views/", count_views),
            path("ends/<int:code>/", count_ends),
            path("static/<path:file>", &static_files, &StaticFiles::serve),
            path("metrics", &metrics, &Metrics::serve),
            path("<path:text>", this, &Site::link, "any"),
        };
    }

    Task<> relay(WebSocket& socket) {
        const Visit visit{socket};
        Membership here = co_await relayed.join(socket);
        while (auto message = co_await socket.recv()) {
            relayed.send(*message);
        }
    }

    Task<> member(WebSocket& socket) { return belong(socket, crowd); }
    Task<> publisher(WebSocket& socket) { return publish(socket, crowd); }
    Task<> closer(WebSocket& socket, std::uint16_t code) { return close_all(socket, crowd, code); }

    // The template of that name, with a context for each array of the posted JSON.
    Response render(Request& request, std::string_view name) {
        Context context;
        const nlohmann::json posted = request.method == "POST" ? request.json() : nlohmann::json{};
        for (const nlohmann::json* value = &posted; value->is_array() && !value->empty(); value = &value->front()) {
            Context around;
            around.set("inner", Context::List{std::move(context)});
            context = std::move(around);
        }
        return templates.render(request, name, {{"levels", std::move(context)}, {"path", name}});
    }
    // The way to the same view with the same text.
    Response link(Request& /*request*/, std::string_view text) {
        return Response::redirect(routes.reverse("any", text));
    }

    const Metrics& metrics;
    Group crowd;
    Group relayed;
    StaticFiles& static_files;
    Templates& templates;
    const Urls& routes;
};

}  // namespace

int main(int argc, char** argv) {
    const sigset_t release = release_signal();
    ::pthread_sigmask(SIG_BLOCK, &release, nullptr);  // the loops' threads inherit it
    return manage<Site>(argc, argv);
}
