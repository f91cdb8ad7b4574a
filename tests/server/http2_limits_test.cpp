// The limits on connections: the server counts connections and streams of HTTP/2, and refuses over it.

#include "c10k/client.hpp"
#include "connection/fixture.hpp"
#include "wire/http2_frame.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;
using namespace std::string_view_literals;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
// An empty SETTINGS frame and a PING (RFC 9113, 6.5 and 6.7).
constexpr std::string_view kSettings = "\0\0\0\4\0\0\0\0\0"sv;
constexpr std::string_view kPing = "\0\0\10\6\0\0\0\0\0 a ping "sv;

// A GET of / of http://a, as stream 1 (RFC 7541, C.2).
constexpr std::string_view kRequest = "\0\0\6\1\5\0\0\0\1\x82\x84\x86\x41\1a"sv;

Task<> ignore(WebSocket& socket, std::span<const std::string_view>) {
    socket.accept();
    co_await socket.closed();
}

Task<> leave(WebSocket&) { co_return; }

// Each test has limits of its own, and starts when it has set them.
class Http2LimitsTest : public ConnectionTest {
protected:
    Http2LimitsTest() { limits.http2 = "on"; }

    void begin() {
        start(Network::kMemory);
        serve(&ignore);
    }
    [[nodiscard]] const Counters& counters() { return harness().server().counters(); }
    [[nodiscard]] std::uint64_t strikes(Limit limit) { return counters().strikes(limit); }
    [[nodiscard]] Endpoint endpoint(std::uint32_t connections) {
        EndpointOptions options;
        options.http2 = Http2{.connections = connections};
        return Endpoint{"ws://" + harness().address().text() + "/ws/", options};
    }
    // Opens WebSockets over so many connections, and then does the rest.
    void with_websockets(int count, std::uint32_t connections, const std::function<Task<>()>& rest) {
        harness().run(task_group([&](TaskGroup& clients) -> Task<> {
            int open = 0;
            for (int i = 0; i < count; ++i) {
                clients.spawn(connect(endpoint(connections), [&open](WebSocket& socket) -> Task<> {
                    ++open;
                    co_await socket.closed();
                }));
            }
            while (open < count) {
                co_await yield();
            }
            co_await rest();
            clients.stop();
        }));
    }
    [[nodiscard]] Task<std::string> error_of_another(std::uint32_t connections) {
        try {
            co_await connect(endpoint(connections), &leave);
        } catch (const ConnectError& failure) {
            co_return failure.what();
        }
        co_return "none";
    }
    // Another connection, of HTTP/1.1, is refused.
    [[nodiscard]] Task<> expect_503() {
        Peer peer{harness()};
        peer.send(kGet);
        while (!peer.ended()) {
            co_await yield();
        }
        EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 503 ")) << peer.received();
        EXPECT_TRUE(peer.received().ends_with("The server is full.\n")) << peer.received();
    }
    // Whether a frame of this type is among those that have come.
    [[nodiscard]] static bool has_frame(const Peer& peer, wire::Http2FrameType type) {
        const std::string& bytes = peer.received();
        for (std::size_t at = 0; at + wire::Http2FrameHeader::kBytes <= bytes.size();) {
            const auto header = wire::Http2FrameHeader::read(&bytes[at]);
            if (header.type == type) {
                return true;
            }
            at += wire::Http2FrameHeader::kBytes + header.length;
        }
        return false;
    }
};

TEST_F(Http2LimitsTest, CountEachStreamAsAClientAndItsConnectionOnceAsTcp) {
    begin();
    with_websockets(5, 2, [&]() -> Task<> {
        EXPECT_EQ(counters().open.value(), 5U);
        EXPECT_EQ(counters().open_tcp.value(), 2U);
        co_return;
    });
    wait_until_empty();
    EXPECT_EQ(counters().open.value(), 0U);
    EXPECT_EQ(counters().open_tcp.value(), 0U);
    Peer peer{harness()};
    peer.send(kGet);
    EXPECT_EQ(peer.take_response().status, 200);
    EXPECT_EQ(counters().open.value(), 1U) << "over HTTP/1.1, both are one";
    EXPECT_EQ(counters().open_tcp.value(), 1U);
}

TEST_F(Http2LimitsTest, AnswerStreamsBeyondMaxConnectionsWith503AndOnce) {
    limits.max_connections = 3;
    begin();
    std::string error;
    with_websockets(3, 2, [&]() -> Task<> {
        error = co_await error_of_another(2);
        co_await expect_503();
    });
    EXPECT_TRUE(error.ends_with("the server answered 503 Service Unavailable")) << error;
    EXPECT_EQ(strikes(Limit::kMaxConnections), 2U) << "clients try again at once after REFUSED_STREAM";
    EXPECT_EQ(strikes(Limit::kMaxTcpConnections), 0U);
}

TEST_F(Http2LimitsTest, RefuseTcpConnectionsInTheProtocolThatTheySpeakWhileStreamsStillCome) {
    limits.max_tcp_connections = 1;
    begin();
    with_websockets(2, 1, [&]() -> Task<> {
        co_await expect_503();
        EXPECT_EQ(strikes(Limit::kMaxTcpConnections), 1U);
        Peer peer{harness()};
        for (const char byte : std::string{wire::kHttp2Preface} + std::string{kSettings} + std::string{kRequest}) {
            peer.send({&byte, 1});
        }
        while (!has_frame(peer, wire::Http2FrameType::kData) && !peer.is_over()) {
            co_await yield();
        }
        EXPECT_NE(peer.received().find("The server is full."), std::string::npos);
        EXPECT_TRUE(has_frame(peer, wire::Http2FrameType::kGoaway));
        const std::string error = co_await error_of_another(1);
        EXPECT_EQ(error, "none");
    });
    EXPECT_EQ(strikes(Limit::kMaxTcpConnections), 2U);
    EXPECT_EQ(strikes(Limit::kMaxConnections), 0U);
}

TEST_F(Http2LimitsTest, CountOneAddressByItsTcpConnections) {
    limits.max_connections_per_address = 1;
    begin();
    with_websockets(3, 1, [&]() -> Task<> { co_await expect_503(); });
    EXPECT_EQ(strikes(Limit::kMaxConnectionsPerAddress), 1U);
}

TEST_F(Http2LimitsTest, EndAConnectionThatSaysItsPrefaceAndNoMore) {
    begin();
    Peer peer{harness()};
    peer.send(wire::kHttp2Preface);
    harness().advance(limits.head_time);
    peer.wait_for_end();
    EXPECT_EQ(strikes(Limit::kHeadTime), 1U);
    wait_until_empty();
}

TEST_F(Http2LimitsTest, EndAConnectionOnWhichNoStreamComesHoweverOftenItPings) {
    begin();
    Peer peer{harness()};
    peer.send(std::string{wire::kHttp2Preface} + std::string{kSettings});
    for (auto time = 0ms; time < limits.idle_time && !peer.ended(); time += 5s) {
        EXPECT_EQ(strikes(Limit::kIdleTime), 0U);
        peer.send(kPing);
        harness().advance(5s);
    }
    EXPECT_EQ(strikes(Limit::kIdleTime), 1U);
    for (auto time = 0ms; time < limits.ping_timeout && !peer.ended(); time += 5s) {
        peer.send(kPing);  // and no answer to the PING behind GOAWAY
        harness().advance(5s);
    }
    EXPECT_TRUE(peer.ended());
    wait_until_empty();
}

}  // namespace
}  // namespace c10k
