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
    [[nodiscard]] const Counters& counters() { return harness().server().counters(); }
    [[nodiscard]] int status_of_a_request() {
        Peer peer{harness()};
        peer.send(kGet);
        return peer.take_response().status;
    }
};

// ---- max_connections

TEST_F(Limits, TurnAwayWith503WhoComesWhenMaxConnectionsAreOpen) {
    limits.max_connections = 2;
    start(Network::kMemory);
    serve(&ignore);
    WebSocketPeer first{harness(), "/ws/"};
    EXPECT_EQ(first.answer().status, 101);
    {
        Peer second{harness()};
        second.send(kGet);
        EXPECT_EQ(second.take_response().status, 200);

        Peer third{harness()};
        third.send(kGet);
        const Response answer = third.take_response();
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.headers.get("Connection"), "close");
        third.wait_for_end();
        EXPECT_FALSE(third.failed());  // its request was read, so that no reset overtakes the answer
        EXPECT_EQ(status_of_a_request(), 503);
    }
    harness().run_until_idle();
    EXPECT_EQ(status_of_a_request(), 200);
    EXPECT_EQ(counters().strikes(Limit::kMaxConnections), 2U);
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

TEST_F(Limits, CountTheConnectionsOfAllServersThatShareAnAdmission) {
    const auto admission = std::make_shared<Admission>();
    limits.max_connections = 1;
    start(Network::kMemory);
    Server one{harness().loop(), app, limits, nullptr, admission};
    Server other{harness().loop(), app, limits, nullptr, admission};
    Silent silent;
    for (Server* server : {&one, &other}) {
        const SocketId socket = harness().network().connect(server->listen(Address::resolve("127.0.0.1", 0)));
        harness().network().attach(socket, silent);
    }
    harness().run_until_idle();
    EXPECT_EQ(counters().strikes(Limit::kMaxConnections), 1U);
    harness().run(one.close());
    harness().run(other.close());
    EXPECT_EQ(admission->connections, 0U);
}

TEST_F(Limits, GoWithAServerThatIsDestroyed) {
    start(Network::kMemory);
    {
        Server other{harness().loop(), app, limits};
        other.listen(Address::resolve("127.0.0.1", 0));
    }
    EXPECT_EQ(status_of_a_request(), 200);
}

// ---- max_connections_per_address

TEST_F(Limits, TurnAwayOneAddressThatHasTooMany) {
    limits.max_connections_per_address = 2;
    start(Network::kMemory);
    serve(&ignore);
    auto first = std::make_unique<WebSocketPeer>(harness(), "/ws/");
    EXPECT_EQ(first->answer().status, 101);  // and keeps its place as a WebSocket
    WebSocketPeer second{harness(), "/ws/"};
    EXPECT_EQ(second.answer().status, 101);
    EXPECT_EQ(status_of_a_request(), 503);
    EXPECT_EQ(counters().strikes(Limit::kMaxConnectionsPerAddress), 1U);
    first.reset();
    harness().run_until_idle();
    EXPECT_EQ(status_of_a_request(), 200);
}

TEST_F(Limits, DoNotCountTheConnectionsOfATrustedProxyByItsAddress) {
    limits.max_connections_per_address = 1;
    limits.trusted_proxies = {"127.0.0.0/8"};
    start(Network::kMemory);
    Peer first{harness()};
    Peer second{harness()};
    EXPECT_EQ(status_of_a_request(), 200);
}

TEST(Admission, CountsEachAddressByItself) {
    Admission admission;
    const auto here = admission.enter("here", 2);
    EXPECT_EQ(admission.enter("here", 2), here);
    EXPECT_EQ(admission.enter("here", 2), std::nullopt);
    const auto there = admission.enter("there", 2);
    EXPECT_TRUE(there && there != here && *there != Admission::kUncounted);
    admission.leave(*here);
    EXPECT_EQ(admission.enter("here", 2), here);
    admission.leave(*here);
    admission.leave(*here);
    EXPECT_TRUE(admission.enter("elsewhere", 1));  // takes the place that has become free
    admission.leave(Admission::kUncounted);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(admission.enter(std::to_string(i), 1));
    }
    EXPECT_FALSE(admission.enter("0", 1));
}

// ---- max_newcomers: see newcomers_test.cpp

TEST_F(Limits, NeverEndTheOnlyPendingConnection) {
    limits.max_newcomers = 0;
    start(Network::kMemory);
    EXPECT_EQ(status_of_a_request(), 200);
    EXPECT_EQ(counters().strikes(Limit::kMaxNewcomers), 0U);
}

// ---- Counters

TEST_F(Limits, AreCountedWhenTheyStrikeARequest) {
    limits.max_request_line_bytes = 100;
    limits.max_head_bytes = 200;
    limits.max_header_fields = 3;
    limits.max_body_bytes = 10;
    start(Network::kMemory);
    const auto status = [this](const std::string& request) {
        Peer peer{harness()};
        peer.send(request);
        return peer.take_response().status;
    };
    EXPECT_EQ(status("GET /" + std::string(100, 'x')), 414);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(200, 'x')), 431);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), 431);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), 413);
    const Counters& struck = counters();
    EXPECT_EQ(struck.strikes(Limit::kMaxRequestLineBytes), 1U);
    EXPECT_EQ(struck.strikes(Limit::kMaxHeadBytes), 1U);
    EXPECT_EQ(struck.strikes(Limit::kMaxHeaderFields), 1U);
    EXPECT_EQ(struck.strikes(Limit::kMaxBodyBytes), 1U);
}

TEST_F(Limits, AreCountedWhenAPeerIsTooLate) {
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.closed(); });
    const Counters& struck = counters();
    Peer silent{harness()};
    Peer half{harness()};
    half.send("GET /");
    WebSocketPeer unanswered{harness(), "/ws/"};
    harness().advance(limits.head_time);
    EXPECT_EQ(struck.strikes(Limit::kHeadTime), 2U);
    EXPECT_EQ(struck.strikes(Limit::kHandshakeTime), 1U);
    Peer idle{harness()};
    idle.send(kGet);
    harness().advance(limits.idle_time);
    EXPECT_EQ(struck.strikes(Limit::kIdleTime), 1U);
}

TEST_F(Limits, AreCountedWhenTheyStrikeAWebSocket) {
    limits.max_message_bytes = 100;
    limits.max_fragment_bytes = 50;
    limits.max_fragments = 2;
    start(Network::kMemory);
    serve(&ignore);
    const auto close_code = [this](const auto& misbehave) {
        WebSocketPeer peer{harness(), "/ws/"};
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
    const Counters& struck = counters();
    EXPECT_EQ(struck.strikes(Limit::kMaxMessageBytes), 1U);
    EXPECT_EQ(struck.strikes(Limit::kMaxFragmentBytes), 1U);
    EXPECT_EQ(struck.strikes(Limit::kMaxFragments), 1U);

    WebSocketPeer silent{harness(), "/ws/"};
    silent.answer();
    silent.answer_nothing();
    harness().advance(limits.ping_interval + limits.ping_timeout + 2s);
    EXPECT_EQ(struck.strikes(Limit::kPingTimeout), 1U);

    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.recv(); });
    WebSocketPeer mute{harness(), "/ws/"};
    mute.answer();
    mute.answer_nothing();
    mute.send_message("over");
    harness().advance(limits.close_time);
    EXPECT_EQ(struck.strikes(Limit::kCloseTime), 1U);
}

TEST_F(Limits, AreCountedWhenReadingPauses) {
    limits.inbox_bytes = 1000;
    start(Network::kMemory);
    serve(&ignore);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.send_message(std::string(2000, 'x'));
    harness().run_until_idle();
    EXPECT_EQ(counters().strikes(Limit::kInboxBytes), 1U);
}

TEST_F(Limits, StandBesideWhatConnectionsDo) {
    start(Network::kMemory);
    serve(&ignore);
    {
        WebSocketPeer peer{harness(), "/ws/"};
        peer.answer();
        harness().run_until_idle();
        EXPECT_EQ(counters().open.value(), 1U);
        EXPECT_EQ(counters().opened.value(), 1U);
        peer.close_with(3001);
        harness().run_until_idle();
        WebSocketPeer lost{harness(), "/ws/"};
        lost.answer();
        lost.close();
        harness().run_until_idle();
    }
    harness().run_until_idle();
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
