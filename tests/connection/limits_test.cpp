#include "base/address.hpp"
#include "connection/fixture.hpp"
#include "server/admission.hpp"

#include <thread>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;
using testkit::WebSocketPeer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Task<> ignore(WebSocket& socket, std::span<const std::string_view>) {
    socket.accept();
    co_await socket.closed();
}

// Each test has limits of its own, and starts when it has set them.
class Limits : public ConnectionTest {
protected:
    [[nodiscard]] const Counters& counters() { return stage().server().counters(); }
    [[nodiscard]] int status_of_a_request() {
        Peer peer{stage()};
        peer.send(kGet);
        return peer.take_response().status;
    }
};

// ---- max_connections

TEST_F(Limits, TurnAwayWith503WhoComesWhenMaxConnectionsAreOpen) {
    limits.max_connections = 2;
    start(Network::kMemory);
    serve(&ignore);
    WebSocketPeer first{stage(), "/ws/"};
    EXPECT_EQ(first.answer().status, 101);
    {
        Peer second{stage()};
        second.send(kGet);
        EXPECT_EQ(second.take_response().status, 200);

        Peer third{stage()};
        third.send(kGet);
        const Response answer = third.take_response();
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.headers.get("Connection"), "close");
        third.wait_for_end();
        EXPECT_FALSE(third.failed());  // its request was read, so that no reset overtakes the answer
        EXPECT_EQ(status_of_a_request(), 503);
    }
    stage().settle();
    EXPECT_EQ(status_of_a_request(), 200);
    EXPECT_EQ(counters().limits.max_connections.value(), 2U);
    EXPECT_TRUE(first.is_open());
}

// The other end of a connection, which says nothing.
class Silent final : public SocketEvents {
public:
    void on_received(std::span<char> /*bytes*/) override {}
    void on_end() override {}
    void on_sent(std::size_t /*bytes*/) override {}
    void on_failed(std::error_code /*error*/) override {}
};

TEST_F(Limits, CountTheConnectionsOfAllServersThatShareACensus) {
    const auto census = std::make_shared<Census>();
    limits.max_connections = 1;
    start(Network::kMemory);
    Server one{stage().loop(), app, limits, nullptr, census};
    Server other{stage().loop(), app, limits, nullptr, census};
    Silent silent;
    for (Server* server : {&one, &other}) {
        const SocketId socket = stage().network().connect(server->listen(Address::resolve("127.0.0.1", 0)));
        stage().network().attach(socket, silent);
    }
    stage().settle();
    EXPECT_EQ(counters().limits.max_connections.value(), 1U);
    stage().run(one.close());
    stage().run(other.close());
    EXPECT_EQ(census->connections, 0U);
}

TEST_F(Limits, GoWithAServerThatIsDestroyed) {
    start(Network::kMemory);
    {
        Server other{stage().loop(), app, limits};
        other.listen(Address::resolve("127.0.0.1", 0));
    }
    EXPECT_EQ(status_of_a_request(), 200);
}

// ---- max_connections_per_address

TEST_F(Limits, TurnAwayOneAddressThatHasTooMany) {
    limits.max_connections_per_address = 2;
    start(Network::kMemory);
    serve(&ignore);
    auto first = std::make_unique<WebSocketPeer>(stage(), "/ws/");
    EXPECT_EQ(first->answer().status, 101);  // and keeps its place as a WebSocket
    WebSocketPeer second{stage(), "/ws/"};
    EXPECT_EQ(second.answer().status, 101);
    EXPECT_EQ(status_of_a_request(), 503);
    EXPECT_EQ(counters().limits.max_connections_per_address.value(), 1U);
    first.reset();
    stage().settle();
    EXPECT_EQ(status_of_a_request(), 200);
}

TEST_F(Limits, DoNotCountTheConnectionsOfATrustedProxyByItsAddress) {
    limits.max_connections_per_address = 1;
    limits.trusted_proxies = {"127.0.0.0/8"};
    start(Network::kMemory);
    Peer first{stage()};
    Peer second{stage()};
    EXPECT_EQ(status_of_a_request(), 200);
}

TEST(Census, CountsEachAddressByItself) {
    Census census;
    const auto here = census.enter("here", 2);
    EXPECT_EQ(census.enter("here", 2), here);
    EXPECT_EQ(census.enter("here", 2), std::nullopt);
    const auto there = census.enter("there", 2);
    EXPECT_TRUE(there && there != here && *there != Census::kNowhere);
    census.leave(*here);
    EXPECT_EQ(census.enter("here", 2), here);
    census.leave(*here);
    census.leave(*here);
    EXPECT_TRUE(census.enter("elsewhere", 1));  // takes the place that has become free
    census.leave(Census::kNowhere);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(census.enter(std::to_string(i), 1));
    }
    EXPECT_FALSE(census.enter("0", 1));
}

// ---- max_newcomers: see newcomers_test.cpp

TEST_F(Limits, NeverEndTheOnlyNewcomer) {
    limits.max_newcomers = 0;
    start(Network::kMemory);
    EXPECT_EQ(status_of_a_request(), 200);
    EXPECT_EQ(counters().limits.max_newcomers.value(), 0U);
}

// ---- Counters

TEST_F(Limits, AreCountedWhenTheyStrikeARequest) {
    limits.http = {.first_line = 100, .head = 200, .fields = 3, .body = 10};
    start(Network::kMemory);
    const auto status = [this](const std::string& request) {
        Peer peer{stage()};
        peer.send(request);
        return peer.take_response().status;
    };
    EXPECT_EQ(status("GET /" + std::string(100, 'x')), 414);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(200, 'x')), 431);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), 431);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), 413);
    const LimitCounters& struck = counters().limits;
    EXPECT_EQ(struck.max_request_line_bytes.value(), 1U);
    EXPECT_EQ(struck.max_head_bytes.value(), 1U);
    EXPECT_EQ(struck.max_header_fields.value(), 1U);
    EXPECT_EQ(struck.max_body_bytes.value(), 1U);
}

TEST_F(Limits, AreCountedWhenAPeerIsTooLate) {
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.closed(); });
    const LimitCounters& struck = counters().limits;
    Peer silent{stage()};
    Peer half{stage()};
    half.send("GET /");
    WebSocketPeer unanswered{stage(), "/ws/"};
    stage().advance(limits.head_time);
    EXPECT_EQ(struck.head_time.value(), 2U);
    EXPECT_EQ(struck.handshake_time.value(), 1U);
    Peer idle{stage()};
    idle.send(kGet);
    stage().advance(limits.idle_time);
    EXPECT_EQ(struck.idle_time.value(), 1U);
}

TEST_F(Limits, AreCountedWhenTheyStrikeAWebSocket) {
    limits.websocket.protocol = {.max_message_bytes = 100, .max_fragment_bytes = 50, .max_fragments = 2};
    start(Network::kMemory);
    serve(&ignore);
    const auto close_code = [this](const auto& misbehave) {
        WebSocketPeer peer{stage(), "/ws/"};
        peer.answer();
        misbehave(peer);
        return peer.wait_for_close().code;
    };
    EXPECT_EQ(close_code([](WebSocketPeer& peer) { peer.send_message(std::string(101, 'x')); }), 1009);
    EXPECT_EQ(close_code([](WebSocketPeer& peer) { peer.send(std::string("\x01\xB3\0\0\0\0", 6)); }), 1009);
    EXPECT_EQ(close_code([](WebSocketPeer& peer) {
                  peer.send(std::string("\x01\x80\0\0\0\0\0\x80\0\0\0\0\0\x80\0\0\0\0", 18));
              }),
              1008);
    const LimitCounters& struck = counters().limits;
    EXPECT_EQ(struck.max_message_bytes.value(), 1U);
    EXPECT_EQ(struck.max_fragment_bytes.value(), 1U);
    EXPECT_EQ(struck.max_fragments.value(), 1U);

    WebSocketPeer silent{stage(), "/ws/"};
    silent.answer();
    silent.answer_nothing();
    stage().advance(limits.websocket.ping_interval + limits.websocket.ping_timeout + 2s);
    EXPECT_EQ(struck.ping_timeout.value(), 1U);

    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.recv(); });
    WebSocketPeer mute{stage(), "/ws/"};
    mute.answer();
    mute.answer_nothing();
    mute.send_message("over");
    stage().advance(limits.websocket.close_time);
    EXPECT_EQ(struck.close_time.value(), 1U);
}

TEST_F(Limits, AreCountedWhenReadingPauses) {
    limits.websocket.inbox_bytes = 1000;
    start(Network::kMemory);
    serve(&ignore);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.send_message(std::string(2000, 'x'));
    stage().settle();
    EXPECT_EQ(counters().limits.inbox_bytes.value(), 1U);
}

TEST_F(Limits, StandBesideWhatConnectionsDo) {
    start(Network::kMemory);
    serve(&ignore);
    {
        WebSocketPeer peer{stage(), "/ws/"};
        peer.answer();
        stage().settle();
        EXPECT_EQ(counters().open.value(), 1U);
        EXPECT_EQ(counters().opened.value(), 1U);
        peer.close_with(3001);
        stage().settle();
        WebSocketPeer lost{stage(), "/ws/"};
        lost.answer();
        lost.close();
        stage().settle();
    }
    stage().settle();
    EXPECT_EQ(counters().accepted.value(), 2U);
    EXPECT_EQ(counters().open.value(), 0U);
    EXPECT_EQ(counters().closes[Counters::kCodes].value(), 1U);
    EXPECT_EQ(counters().closes[1006 - Counters::kFirstCode].value(), 1U);
}

TEST(Counter, MayBeReadByOtherThreads) {
    Counter counter;
    std::thread other{[&counter] {
        while (counter.value() < 1000) {
        }
    }};
    for (int i = 0; i < 1001; ++i) {
        counter.add();
    }
    counter.subtract();
    other.join();
    EXPECT_EQ(counter.value(), 1000U);
}

}  // namespace
}  // namespace c10k
