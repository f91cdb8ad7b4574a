// An embedded application that reads the bodies of its requests while they arrive.

#include "c10k/body_reader.hpp"
#include "c10k/embed.hpp"
#include "loop/backends.hpp"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace c10k {
namespace {

using namespace std::chrono_literals;

class Store final : public EmbeddedApplication {
public:
    bool reads = true;
    std::string seen;  // of the body that is arriving

    [[nodiscard]] bool reads_body(const Request& /*request*/) override { return reads; }
    Task<Response> respond(Request& request) override { co_return Response::text("whole: " + request.body); }
    Task<Response> respond(Request& request, BodyReader& body) override {
        for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
            seen += piece;
        }
        co_return Response::text("pieces: " + seen + request.body);
    }
    Task<> serve(WebSocket& /*socket*/) override { co_return; }
};

// A client whose server runs on the same thread.
class Client {
public:
    Client(EmbeddedServer& server, std::string_view address) : server_(server) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        to.sin_port =
            ::htons(static_cast<std::uint16_t>(std::stoi(std::string{address.substr(address.rfind(':') + 1)})));
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            throw std::runtime_error("connect");
        }
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(socket_); }

    void send(std::string_view bytes) const {
        ASSERT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }
    // All that comes until it contains `end`.
    std::string receive(std::string_view end) const {
        std::string got;
        for (int turns = 0; turns < 1000 && got.find(end) == std::string::npos; ++turns) {
            server_.run_turn(10ms);
            std::array<char, 4096> part{};
            const ssize_t size = ::recv(socket_, part.data(), part.size(), MSG_DONTWAIT);
            got.append(part.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        }
        return got;
    }

private:
    EmbeddedServer& server_;
    int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

class EmbeddedBodies : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (GetParam() == std::string_view{"io_uring"} && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        settings_.backend = GetParam();
    }

    Settings settings_;
    Store store_;
};
INSTANTIATE_TEST_SUITE_P(Backends, EmbeddedBodies, testing::Values("epoll", "io_uring"));

TEST_P(EmbeddedBodies, AreReadInPiecesOrWholeAsTheApplicationWants) {
    EmbeddedServer server{store_, settings_};
    const Client client{server, server.listen("127.0.0.1", 0)};
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    for (int turns = 0; turns < 1000 && store_.seen != "hello"; ++turns) {
        server.run_turn(10ms);
    }
    EXPECT_EQ(store_.seen, "hello");
    client.send("there");
    EXPECT_NE(client.receive("there").find("pieces: hellothere"), std::string::npos);

    store_.seen.clear();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive("pieces: ").find("200"), std::string::npos);

    store_.reads = false;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_NE(client.receive("hello").find("whole: hello"), std::string::npos);
}

TEST_P(EmbeddedBodies, OfAHandshakeAreRefused) {
    EmbeddedServer server{store_, settings_};
    const Client client{server, server.listen("127.0.0.1", 0)};
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_NE(client.receive("\r\n\r\n").find("HTTP/1.1 400 "), std::string::npos);
    EXPECT_EQ(store_.seen, "");
}

TEST_P(EmbeddedBodies, NeedTheFunctionThatReadsThem) {
    class Nothing final : public EmbeddedApplication {
    public:
        Task<> serve(WebSocket& /*socket*/) override { co_return; }
        void on_log(LogLevel /*level*/, std::string_view /*line*/) override {}
    } nothing;
    EmbeddedServer server{nothing, settings_};
    const Client client{server, server.listen("127.0.0.1", 0)};
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive("\r\n\r\n").find("HTTP/1.1 500 "), std::string::npos);
}

}  // namespace
}  // namespace c10k
