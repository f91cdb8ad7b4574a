#include "c10k/embed.hpp"

#include "base/address.hpp"
#include "c10k/client.hpp"
#include "c10k/descriptor.hpp"
#include "c10k/errors.hpp"
#include "loop/backends.hpp"
#include "loop/sockets.hpp"
#include "testkit/patience.hpp"
#include "tls/certificates.hpp"
#include "web/folder.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// An application that a test writes as it goes.
class TestApplication final : public EmbeddedApplication {
public:
    std::function<Task<Response>(Request&)> page = [](Request& request) -> Task<Response> {
        co_return Response::text(request.method + ' ' + request.path);
    };
    std::function<Task<>(WebSocket&)> view = [](WebSocket& socket) -> Task<> {
        while (const auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    };
    std::vector<int> statuses;
    std::vector<std::string> events;
    std::string lines;
    int ends_of_turns = 0;
    bool listeners_fail = false;

    Task<Response> respond(Request& request) override { return page(request); }
    Task<> serve(WebSocket& socket) override { return view(socket); }
    void on_answered(const Request&, const Response& response) override {
        statuses.push_back(response.status);
        may_fail();
    }
    void on_websocket_opened(WebSocket& socket, const Request& request) override {
        opened_ = &socket;
        events.push_back("opened " + request.path);
        may_fail();
    }
    void on_websocket_closed(WebSocket& socket) override {
        EXPECT_EQ(&socket, opened_);
        events.push_back("closed " + std::to_string(socket.close_info().code));
        may_fail();
    }
    void on_end_of_turn() noexcept override { ++ends_of_turns; }
    void on_log(LogLevel level, std::string_view line) override {
        lines += (level == LogLevel::kError ? "error: " : "") + std::string{line} + '\n';
    }

private:
    void may_fail() const {
        if (listeners_fail) {
            throw std::runtime_error("a listener failed");
        }
    }

    WebSocket* opened_ = nullptr;
};

// A server in a program with a main loop of its own: this test.
class EmbeddedServerTest : public testing::TestWithParam<const char*> {
protected:
    EmbeddedServerTest() {
        settings.backend = GetParam();
        settings.shutdown_time = 2s;
    }

    void SetUp() override {
        if (settings.backend == "io_uring" && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        start();
    }
    void start() {
        server.reset();
        server.emplace(app, settings);
        address = server->listen("127.0.0.1", 0);
    }

    void run_until(const std::function<bool()>& done) {
        bool is_done = done();
        for (auto left = testkit::kPatience; !is_done && left > 0ms; left -= 10ms) {
            server->run_turn(10ms);
            is_done = done();
        }
        ASSERT_TRUE(is_done) << "it never came";
    }
    // A client on the server's own loop. Returns when it has ended.
    void visit(std::function<Task<>(WebSocket&)> view, const std::string& path = "/ws") {
        bool is_over = false;
        server->spawn([](Endpoint there, std::function<Task<>(WebSocket&)> visiting, bool& over) -> Task<> {
            try {
                co_await connect(std::move(there), std::move(visiting));
            } catch (const ConnectError& error) {
                ADD_FAILURE() << error.what();
            }
            over = true;
        }(Endpoint{"ws://" + address + path, {.subprotocols = {"chat"}}}, std::move(view), is_over));
        run_until([&] { return is_over; });
    }
    // The whole answer to a request, whose connection the server ends.
    std::string ask(const std::string& request) {
        const int client = dial();
        EXPECT_EQ(::send(client, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
        std::string answer;
        bool has_ended = false;
        run_until([&] {
            std::array<char, 4096> bytes;
            const ssize_t count = ::recv(client, bytes.data(), bytes.size(), MSG_DONTWAIT);
            answer.append(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
            has_ended = count == 0 || (count < 0 && errno != EAGAIN);
            return has_ended;
        });
        ::close(client);
        return answer;
    }
    std::string get(const std::string& target) {
        return ask("GET " + target + " HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n");
    }
    int dial() const {
        const std::size_t colon = address.rfind(':');
        const Address to = Address::resolve_number(address.substr(0, colon),
                                                   static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
        const int client = ::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(client, to.get(), to.size()), 0);
        return client;
    }
    void stop(const StopOptions& options = {}) {
        server->stop(options);
        run_until([this] { return server->is_stopped(); });
    }

    Settings settings;
    TestApplication app;
    std::optional<EmbeddedServer> server;
    std::string address;
};
INSTANTIATE_TEST_SUITE_P(Backends, EmbeddedServerTest, testing::Values("epoll", "io_uring"),
                         [](const auto& info) { return std::string{info.param}; });

// ---- Requests and WebSockets

TEST_P(EmbeddedServerTest, AnswersRequestsOfEveryMethodAndHost) {
    const std::string answer = get("/path?query");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /path")) << answer;
    const std::string posted =
        ask("POST /form HTTP/1.1\r\nHost: other.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(posted.ends_with("POST /form")) << posted;
    EXPECT_EQ(app.statuses, (std::vector<int>{200, 200}));
}

TEST_P(EmbeddedServerTest, RunsTheViewOfAWebSocketFromItsHandshakeToItsEnd) {
    app.view = [this](WebSocket& socket) -> Task<> {
        EXPECT_EQ(socket.request().path, "/chat/room");
        EXPECT_EQ(socket.request().local, address);
        socket.accept({.subprotocol = socket.offered_subprotocols().front()});
        while (const auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    };
    visit(
        [](WebSocket& socket) -> Task<> {
            EXPECT_EQ(socket.subprotocol(), "chat");
            co_await socket.send("hello");
            const auto echo = co_await socket.recv();
            EXPECT_EQ(*echo, "hello");
        },
        "/chat/room");
    run_until([this] { return server->connections() == 0; });
    EXPECT_EQ(app.events, (std::vector<std::string>{"opened /chat/room", "closed 1000"}));
    EXPECT_EQ(server->websockets(), 0U);
}

TEST_P(EmbeddedServerTest, RefusesHandshakesThatAreNone) {  // RFC 6455, 4.2.1
    const std::string upgrade = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n";
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\n" + upgrade + "Sec-WebSocket-Version: 12\r\n\r\n").starts_with("HTTP/1.1 426"));
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\n" + upgrade + "Sec-WebSocket-Version: 13\r\n\r\n").starts_with("HTTP/1.1 400"));
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"));  // without a Host
    EXPECT_TRUE(app.events.empty());
}

TEST_P(EmbeddedServerTest, AnswersAFailureAsAPlainServerDoesAndLogsIt) {
    app.page = [](Request& request) -> Task<Response> {
        if (request.path == "/missing") {
            throw NotFound("no such thing");
        }
        throw std::runtime_error("out of cheese");
        co_return Response{};
    };
    EXPECT_TRUE(get("/missing").starts_with("HTTP/1.1 404"));
    EXPECT_EQ(app.lines, "");
    const std::string answer = get("/");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500"));
    EXPECT_EQ(answer.find("cheese"), std::string::npos);
    EXPECT_NE(app.lines.find("error: Internal Server Error: GET /: "), std::string::npos) << app.lines;
    EXPECT_NE(app.lines.find("out of cheese"), std::string::npos) << app.lines;
}

TEST_P(EmbeddedServerTest, ClosesAWebSocketWhoseViewFailsWith1011) {
    app.view = [](WebSocket& socket) -> Task<> {
        co_await socket.recv();
        throw std::runtime_error("out of cheese");
    };
    visit([](WebSocket& socket) -> Task<> {
        co_await socket.send("fail");
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_EQ(socket.close_info().code, 1011);
    });
    EXPECT_NE(app.lines.find("out of cheese"), std::string::npos) << app.lines;
}

TEST_P(EmbeddedServerTest, GoesOnIfTheApplicationsListenersFail) {
    app.listeners_fail = true;
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
    visit([](WebSocket& socket) -> Task<> {
        co_await socket.send("hello");
        EXPECT_TRUE((co_await socket.recv()).has_value());
    });
    run_until([this] { return server->connections() == 0; });
    EXPECT_NE(app.lines.find("a listener failed"), std::string::npos);
}

TEST_P(EmbeddedServerTest, ReachesMembersOfItsGroups) {
    Group group = server->groups().named("all");
    app.view = [&group](WebSocket& socket) -> Task<> {
        const Membership here = co_await group.join(socket);
        co_await socket.recv();
    };
    visit([&](WebSocket& socket) -> Task<> {
        server->post([&group] {
            EXPECT_EQ(group.count(), 1U);
            group.send("to all");
        });
        const auto message = co_await socket.recv();
        EXPECT_EQ(*message, "to all");
    });
    EXPECT_NE(server->metrics().text().find("\nc10k_websockets_opened_total 1\n"), std::string::npos);
}

// ---- Listening

TEST_P(EmbeddedServerTest, ListensOnAllAddressesOfAName) {
    const std::string first = server->listen("localhost", 0);
    const std::string port = first.substr(first.rfind(':') + 1);
    EXPECT_EQ(first, "127.0.0.1:" + port);
    address = first;
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
    address = "::1:" + port;
    if (const int probe = ::socket(AF_INET6, SOCK_STREAM, 0); probe >= 0) {
        ::close(probe);
        EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
    }
}

TEST_P(EmbeddedServerTest, TellsTheKernelsReasonIfItCannotListen) {
    try {
        server->listen("127.0.0.1", static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
        ADD_FAILURE() << "it listens";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EADDRINUSE);
        EXPECT_NE(std::string{error.what()}.find(address), std::string::npos) << error.what();
    }
    EXPECT_THROW(server->listen("no such host", 0), std::runtime_error);
}

TEST_P(EmbeddedServerTest, ListensOnASocketOfTheCallersAndLeavesItOpen) {
    const int shared = open_listener(Address::resolve("127.0.0.1", 0), 16, PortUse::kAlone, Blocking::kNo);
    address = local_address_of(shared).text();
    EXPECT_EQ(server->listen_on(shared), address);
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
    stop();
    server.reset();
    const int client = dial();  // the kernel takes it, for whoever comes next
    server.emplace(app, settings);
    EXPECT_EQ(server->listen_on(shared), address);
    run_until([this] { return server->connections() == 1; });
    ::close(client);
    ::close(shared);
}

TEST_P(EmbeddedServerTest, RefusesADescriptorThatDoesNotListen) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto error_of = [this](int descriptor) {
        try {
            server->listen_on(descriptor);
        } catch (const std::system_error& error) {
            return error.code().value();
        }
        return 0;
    };
    EXPECT_EQ(error_of(pipe[0]), ENOTSOCK);
    EXPECT_EQ(error_of(silent), EINVAL);
    EXPECT_EQ(error_of(-1), EBADF);
    for (const int descriptor : {pipe[0], pipe[1], silent}) {
        ::close(descriptor);
    }
}

TEST_P(EmbeddedServerTest, ListensOnAUnixSocketAndRemovesItsFile) {
    const Folder folder;
    const std::string path = folder.path() / "socket";
    EXPECT_EQ(server->listen("unix:" + path, 0), "unix:" + path);
    std::string local;
    app.page = [&local](Request& request) -> Task<Response> {
        local = request.local;
        co_return Response::text("hi");
    };
    const Address to = Address::unix_socket(path);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client, to.get(), to.size()), 0);
    ASSERT_EQ(::send(client, kGet.data(), kGet.size(), 0), static_cast<ssize_t>(kGet.size()));
    run_until([&] { return !local.empty(); });
    EXPECT_EQ(local, "unix:" + path);
    ::close(client);
    stop();
    EXPECT_FALSE(std::filesystem::exists(path));
}

// ---- Turns

TEST_P(EmbeddedServerTest, TurnsUntilNothingIsLeftToDo) {
    const int client = dial();
    ASSERT_EQ(::send(client, kGet.data(), kGet.size(), 0), static_cast<ssize_t>(kGet.size()));
    // As a program does that never sleeps here but looks in: as soon as nothing is left, the answer is on its way.
    run_until([this] { return !app.statuses.empty(); });
    while (server->run_turn(0ms)) {
    }
    server->run_turn(0ms);
    std::array<char, 12> bytes{};
    EXPECT_EQ(::recv(client, bytes.data(), bytes.size(), MSG_DONTWAIT), 12);
    ::close(client);
}

TEST_P(EmbeddedServerTest, DoesNotSleepLongerThanItIsTold) {
    while (server->run_turn(0ms)) {
    }
    EXPECT_FALSE(server->run_turn(1ms));  // and comes back, though nothing happens
}

TEST_P(EmbeddedServerTest, WakesForEachOfItsReasons) {  // without a limit, a reason that wakes nobody would hang
    while (server->run_turn(0ms)) {
    }
    server->wake();
    server->run_turn();

    std::thread later{[this] { server->wake(); }};
    server->run_turn();
    later.join();

    std::atomic<bool> is_posted = false;
    std::thread poster{[&] { EXPECT_TRUE(server->post([&is_posted] { is_posted = true; })); }};
    while (!is_posted) {
        server->run_turn();
    }
    poster.join();

    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
    bool is_ready = false;
    server->spawn([](int descriptor, bool& ready) -> Task<> {
        co_await readable(descriptor);
        ready = true;
    }(pipe[0], is_ready));
    std::thread writer{[&pipe] { EXPECT_EQ(::write(pipe[1], "x", 1), 1); }};
    while (!is_ready) {
        server->run_turn();
    }
    writer.join();
    ::close(pipe[0]);
    ::close(pipe[1]);

    bool is_over = false;
    server->spawn([](bool& over) -> Task<> {
        co_await sleep_for(1ms);
        over = true;
    }(is_over));
    while (!is_over) {
        server->run_turn();
    }
}

TEST_P(EmbeddedServerTest, TellsTheEndOfATurnOnceBeforeItSends) {
    app.page = [this](Request&) -> Task<Response> {
        server->at_end_of_turn();
        server->at_end_of_turn();
        co_return Response::text("hi");
    };
    const int client = dial();
    ASSERT_EQ(::send(client, kGet.data(), kGet.size(), 0), static_cast<ssize_t>(kGet.size()));
    run_until([this] { return app.ends_of_turns > 0; });
    while (server->run_turn(0ms)) {
    }
    EXPECT_EQ(app.ends_of_turns, 1);
    server->at_end_of_turn();
    EXPECT_TRUE(server->run_turn(0ms) || app.ends_of_turns == 2);
    EXPECT_EQ(app.ends_of_turns, 2);
    ::close(client);
}

TEST_P(EmbeddedServerTest, RunsNoTurnInsideATurnNorOnAnotherThread) {
    app.page = [this](Request&) -> Task<Response> {
        EXPECT_THROW(server->run_turn(0ms), std::logic_error);
        co_return Response::text("hi");
    };
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
    std::thread{[this] {
        EXPECT_THROW(server->run_turn(0ms), std::logic_error);
        EXPECT_THROW(server->stop(), std::logic_error);
        EXPECT_THROW(server->listen("127.0.0.1", 0), std::logic_error);
        EXPECT_THROW(server->spawn({}), std::logic_error);
    }}.join();
    EXPECT_THROW((EmbeddedServer{app, settings}), std::logic_error);  // a thread has one
}

TEST_P(EmbeddedServerTest, LogsWhatAPostedCallAndATaskThrow) {
    server->post([] { throw std::runtime_error("posted in vain"); });
    server->spawn([]() -> Task<> {
        throw std::runtime_error("spawned in vain");
        co_return;
    }());
    run_until([this] { return app.lines.find("spawned in vain") != std::string::npos; });
    EXPECT_NE(app.lines.find("posted in vain"), std::string::npos) << app.lines;
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
}

// ---- The end

TEST_P(EmbeddedServerTest, StopsInGoodOrder) {
    std::optional<std::uint16_t> seen;
    bool is_task_stopped = false;
    server->spawn([](bool& flag) -> Task<> {
        try {
            co_await until_stopped();
        } catch (const Stopped&) {
            flag = true;
        }
    }(is_task_stopped));
    visit([&](WebSocket& socket) -> Task<> {
        server->post([this] { server->stop({.code = CloseCode::kServiceRestart, .reason = "back soon"}); });
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_EQ(socket.close_info().reason, "back soon");
        seen = socket.close_info().code;
    });
    EXPECT_EQ(seen, CloseCode::kServiceRestart);
    run_until([this] { return server->is_stopped(); });
    EXPECT_TRUE(is_task_stopped);
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_THROW(server->listen("127.0.0.1", 0), std::logic_error);
    EXPECT_THROW(server->spawn({}), std::logic_error);
    server->stop();  // again, and nothing happens
    server->run_turn(0ms);
    EXPECT_TRUE(server->is_stopped());
}

TEST_P(EmbeddedServerTest, RefusesAStopThatNoCloseFrameCanSay) {
    EXPECT_THROW(server->stop({.code = 1006}), std::invalid_argument);
    EXPECT_FALSE(server->is_stopped());
    stop();
}

TEST_P(EmbeddedServerTest, EndsEverythingWhenItIsDestroyed) {
    int ended = 0;
    app.view = [&ended](WebSocket& socket) -> Task<> {
        socket.accept();
        try {
            co_await until_stopped();
        } catch (const Stopped&) {
            ++ended;
            throw;
        }
    };
    server->spawn([](int& count) -> Task<> {
        try {
            co_await until_stopped();
        } catch (const Stopped&) {
            ++count;
        }
    }(ended));
    const int client = dial();
    const std::string handshake =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    ASSERT_EQ(::send(client, handshake.data(), handshake.size(), 0), static_cast<ssize_t>(handshake.size()));
    const int idle = dial();
    run_until([this] { return server->connections() == 2 && app.events.size() == 1; });
    server.reset();
    EXPECT_EQ(ended, 2);
    ::close(client);
    ::close(idle);
    start();  // and the thread is free for the next
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
}

TEST_P(EmbeddedServerTest, LeavesSignalsAndStandardErrorAlone) {
    testing::internal::CaptureStderr();
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR2}) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        EXPECT_EQ(action.sa_handler, SIG_DFL) << signal;
    }
    app.page = [](Request&) -> Task<Response> {
        throw std::runtime_error("logged elsewhere");
        co_return Response{};
    };
    get("/");
    stop();
    server.reset();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// ---- Settings

TEST_P(EmbeddedServerTest, ServesTlsAsTheSettingsSay) {
    server.reset();
    settings.tls_certificate = {TestTls::get().files.certificate};
    settings.tls_key = {TestTls::get().files.key};
    start();
    bool is_over = false;
    server->spawn([](std::string at, bool& over) -> Task<> {
        EndpointOptions options;
        options.verify = Verify::kNothing;
        const auto view = [](WebSocket& socket) -> Task<> {
            co_await socket.send("secret");
            const auto echo = co_await socket.recv();
            EXPECT_EQ(*echo, "secret");
        };
        co_await connect(Endpoint{"wss://" + at + "/ws", options}, view);
        over = true;
    }(address, is_over));
    run_until([&] { return is_over; });
}

TEST_P(EmbeddedServerTest, ObeysTheLimitsOfTheSettings) {
    server.reset();
    settings.max_body_bytes = 10;
    start();
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_P(EmbeddedServerTest, RefusesSettingsThatItCannotServeWith) {
    server.reset();
    settings.backend = "kqueue";
    EXPECT_THROW((EmbeddedServer{app, settings}), std::invalid_argument);
    settings.backend = GetParam();
    settings.tls_certificate = {"/nonexistent/cert.pem"};
    settings.tls_key = {"/nonexistent/key.pem"};
    EXPECT_THROW((EmbeddedServer{app, settings}), std::runtime_error);
    settings.tls_certificate = {};
    settings.tls_key = {};
    start();
}

}  // namespace
}  // namespace c10k
