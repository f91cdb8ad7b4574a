#include "allocation/failing.hpp"
#include "connection/fixture.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

// Row 61: a server that gets no memory, at each point of a conversation. It must lose that connection and go on, or end
// at once in a clean abort; not crash, hang, or serve wrongly.
namespace c10k {
namespace {

constexpr int kServedAll = 0;
constexpr int kServedWrongly = 1;
constexpr int kNothingFailed = 2;
constexpr unsigned kPatience = 20;  // seconds

Task<> echo(WebSocket& socket, std::span<const std::string_view>) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

// Sends `bytes` on a connection of its own, and returns all that comes back.
std::string ask(const Address& server, std::string_view bytes) {
    const int descriptor = ::socket(server.family(), SOCK_STREAM, 0);
    std::string got;
    if (::connect(descriptor, server.get(), server.size()) == 0 &&
        ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())) {
        std::array<char, 4096> part{};
        for (ssize_t size = 0; (size = ::recv(descriptor, part.data(), part.size(), 0)) > 0;) {
            got.append(part.data(), static_cast<std::size_t>(size));
        }
    }
    ::close(descriptor);
    return got;
}

Task<Response> page_of_a_task() {
    co_await yield();
    co_return Response::text("a task's page, longer than a short string");
}

Task<> stream_page(BodyWriter& body) {
    co_await yield();
    co_await body.write("a streamed page");
}

Task<Response> size_of_body(BodyReader& body) {
    std::size_t size = 0;
    for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
        size += piece.size();
    }
    co_return Response::text("a body of " + std::to_string(size) + " bytes that its view has read");
}

Application::Answer answer(const Request& request) {
    if (request.path == "/task") {
        return page_of_a_task();
    }
    if (request.path == "/body") {
        return size_of_body(*request.body_reader);
    }
    return request.path == "/stream" ? Response::stream("text/plain", stream_page) : Response::text("hello");
}

// Requests of all kinds on one connection, then a WebSocket that is closed. Returns whether all was as it should be.
bool converse(const Address& server) {
    const std::string page =
        ask(server,
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            "GET /task HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "23\r\na body that is longer than a string\r\n0\r\n\r\n"
            "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string frames =
        "GET /ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const std::string large(5000, 'x');
    wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "small", frames);
    wire::append_frame(wire::Role::kClient, wire::Opcode::kText, large, frames);
    wire::append_frame(wire::Role::kClient, wire::Opcode::kPing, "ping", frames);
    wire::append_frame(wire::Role::kClient, wire::Opcode::kClose, "\x03\xE8", frames);
    const std::string socket = ask(server, frames);
    return page.find("hello") != page.rfind("hello") && page.find("a task's page") != std::string::npos &&
           page.find("a streamed page") != std::string::npos && page.find("a body of 35 bytes") != std::string::npos &&
           socket.find("small") != std::string::npos && socket.find(large) != std::string::npos &&
           socket.ends_with("\x88\x02\x03\xE8");
}

// In a process of its own: serves one conversation in which allocation `n` of the server fails, and then a good one.
int serve_with_failure(BackendChoice backend, std::size_t n) {
    ::alarm(kPatience);
    Loop loop{make_backend(backend)};
    ScriptedApplication app;
    app.route.view = echo;
    app.on_request = answer;
    app.on_head = [](const Request& request) { return request.path == "/body"; };
    ServerLimits limits;
    limits.max_connections_per_address = 100;
    const auto admission = std::make_shared<Admission>();
    Server server{loop, app, limits, nullptr, admission};
    const Address address = server.listen(Address::resolve("127.0.0.1", 0));
    std::atomic<int> said = 0;  // conversations that are over
    std::atomic<int> heard = 0;
    bool is_right = false;
    std::thread client{[&] {
        for (int conversation = 0; conversation < 2; ++conversation) {
            while (heard < conversation) {
                std::this_thread::yield();
            }
            is_right = converse(address);
            ++said;
            loop.backend().wake();
        }
    }};
    bool has_failed = false;
    allocation::fail(n);
    while (said < 2) {
        loop.turn();
        if (heard < said) {
            has_failed = allocation::stop_failing() || has_failed;
            heard = said.load();
        }
    }
    client.join();
    testkit::run_to_end(loop, server.close());
    // Nobody is counted who has gone.
    is_right = is_right && admission->connections == 0 && admission->enter(address.subnet_key(), 1).has_value();
    return !is_right ? kServedWrongly : has_failed ? kServedAll : kNothingFailed;
}

class Row61 : public testing::TestWithParam<Network> {};

INSTANTIATE_TEST_SUITE_P(Networks, Row61, testing::Values(Network::kEpoll, Network::kUring), network_name);

TEST_P(Row61, AServerThatGetsNoMemoryLosesAConnectionOrEndsCleanly) {
    if (GetParam() == Network::kUring && !probe_uring().refusal.empty()) {
        GTEST_SKIP() << probe_uring().refusal;
    }
    const auto backend = GetParam() == Network::kEpoll ? BackendChoice::kEpoll : BackendChoice::kUring;
    std::size_t lived = 0;
    std::size_t aborted = 0;
    for (std::size_t n = 0;; ++n) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(STDERR_FILENO);  // what terminate() says
            ::_exit(serve_with_failure(backend, n));
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == kNothingFailed) {
            break;
        }
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
            ++aborted;
            RecordProperty("aborts_at", std::to_string(n));
        } else {
            EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kServedAll)
                << "allocation " << n << " ended it with status " << status;
            ++lived;
        }
    }
    std::printf("%zu allocations: %zu cost a connection, %zu the process\n", lived + aborted, lived, aborted);
    EXPECT_GT(lived, 20U);
}

}  // namespace
}  // namespace c10k
