#include "connection/fixture.hpp"

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// How a view fares that waits for something else than its client.
struct Fate {
    bool waits = false;
    bool is_stopped = false;
};

Task<> wait_for_ever(Fate& fate) {
    fate.waits = true;
    try {
        co_await sleep_for(24h);
    } catch (const Stopped&) {
        fate.is_stopped = true;
        throw;
    }
}

Task<Response> poll(Fate& fate) {
    co_await wait_for_ever(fate);
    co_return Response::text("news");
}

Response watch(Fate& fate) {
    return Response::stream("text/event-stream", [&fate](BodyWriter& body) -> Task<> {
        co_await body.write("data: first\n\n");
        co_await wait_for_ever(fate);
    });
}

class Leaving : public ConnectionTest, public testing::WithParamInterface<Network> {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        limits.half_closed_time = 10ms;
        start(GetParam());
    }
    // Waits until the server has none left, and in memory no longer than it may take.
    void wait_until_left() {
        if (!is_real(GetParam())) {
            harness().advance(limits.half_closed_time);
            EXPECT_EQ(harness().server().count(), 0U);
        }
        wait_until_empty();
    }
    void wait_for(const Fate& fate) {
        harness().run_until([&fate] { return fate.waits; }, "the view");
    }
};
INSTANTIATE_TEST_SUITE_P(Networks, Leaving, every_network(), network_name);

TEST_P(Leaving, Row84ByFinStopsAStreamThatHasNothingToWrite) {
    for (const bool closes : {false, true}) {
        Fate fate;
        app.on_request = [&fate](Request&) { return watch(fate); };
        Peer peer{harness()};
        peer.send(kGet);
        peer.take(100);
        wait_for(fate);
        closes ? peer.close() : peer.shutdown_write();
        wait_until_left();
        EXPECT_TRUE(fate.is_stopped);
    }
    EXPECT_EQ(app.failures, 0);
}

TEST_P(Leaving, Row84ByFinStopsALongPoll) {
    for (const bool closes : {false, true}) {
        Fate fate;
        app.on_request = [&fate](Request&) -> Application::Answer { return poll(fate); };
        Peer peer{harness()};
        peer.send(kGet);
        wait_for(fate);
        closes ? peer.close() : peer.shutdown_write();
        wait_until_left();
        EXPECT_TRUE(fate.is_stopped);
    }
    EXPECT_EQ(app.failures, 0);
    EXPECT_TRUE(app.statuses.empty());
}

TEST_P(Leaving, Row84ByFinIsNoticedBehindMoreRequestsThanAreKept) {
    Fate fate;
    app.on_request = [&fate](Request&) -> Application::Answer { return poll(fate); };
    Peer peer{harness()};
    const std::string padded = "GET / HTTP/1.1\r\nHost: a\r\nPadding: " + std::string(4000, 'x') + "\r\n\r\n";
    const int requests = is_byte_by_byte(GetParam()) ? 1 : 300;
    for (int i = 0; i <= requests; ++i) {
        peer.send(padded);
    }
    wait_for(fate);
    peer.shutdown_write();
    harness().run_until([&peer] { return peer.unsent() == 0; }, "the last of the requests");
    harness().run_until_idle();
    wait_until_left();
    EXPECT_TRUE(fate.is_stopped);
}

// ---- By the clock

TEST_F(InMemory, Row84ByResetStopsALongPollAndAStream) {
    for (const bool is_stream : {false, true}) {
        Fate fate;
        app.on_request = [&fate, is_stream](Request&) -> Application::Answer {
            if (is_stream) {
                return watch(fate);
            }
            return poll(fate);
        };
        Peer peer{harness()};
        peer.send(kGet);
        harness().run_until_idle();
        ASSERT_TRUE(fate.waits);
        harness().network().reset(peer.socket());
        harness().run_until_idle();
        EXPECT_TRUE(fate.is_stopped);
        EXPECT_EQ(harness().server().count(), 0U);
    }
    EXPECT_EQ(app.failures, 0);
}

TEST_F(InMemory, StopsNoViewOfAHalfClosedClientThatAnswersSoon) {
    Gate gate;
    app.on_request = [&gate](Request& request) -> Application::Answer {
        if (request.path != "/") {
            return Response::text(request.path);
        }
        return [](Gate& to_pass) -> Task<Response> {
            co_await to_pass.wait();
            co_return Response::text("late");
        }(gate);
    };
    Peer peer{harness()};
    peer.send(std::string{kGet} + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.shutdown_write();
    harness().run_until_idle();
    gate.open();
    EXPECT_EQ(peer.take_response().body, "late");
    EXPECT_EQ(peer.take_response().body, "/next");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
}

TEST_F(InMemory, StopsNoStreamThatItsHalfClosedClientTakesSlowly) {
    app.on_request = [](Request&) {
        return Response::stream("text/plain", [](BodyWriter& body) -> Task<> {
            for (int i = 0; i < 20; ++i) {
                co_await body.write(std::string(10'000, 'x'));
            }
        });
    };
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    peer.shutdown_write();
    harness().run_until_idle();
    for (int i = 0; i < 15; ++i) {  // much longer than a client that takes nothing has
        harness().advance(1s);
        peer.start_receiving();
        harness().loop().turn();
        peer.stop_receiving();
    }
    EXPECT_LT(peer.received_in_all(), 200'000U);
    peer.start_receiving();
    EXPECT_EQ(peer.take_response().body.size(), 200'000U);
}

TEST_F(InMemory, GivesTheViewOfAHalfClosedClientItsTime) {
    Fate fate;
    app.on_request = [&fate](Request&) -> Application::Answer { return poll(fate); };
    Peer peer{harness()};
    peer.send(kGet);
    peer.shutdown_write();
    harness().advance(limits.half_closed_time - 1ms);
    EXPECT_FALSE(fate.is_stopped);
    harness().advance(1ms);
    EXPECT_TRUE(fate.is_stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, SendsTheAnswerOfAViewThatHasOneAlthoughItIsStopped) {
    app.on_request = [](Request&) -> Application::Answer {
        return []() -> Task<Response> {
            try {
                co_await sleep_for(24h);
            } catch (const Stopped&) {
            }
            co_return Response::text("what there is");
        }();
    };
    Peer peer{harness()};
    peer.send(kGet);
    peer.shutdown_write();
    harness().advance(limits.half_closed_time);
    EXPECT_EQ(peer.take_response().body, "what there is");
    peer.wait_for_end();
}

TEST_F(InMemory, Row84StopsWhatAWebSocketsViewDoesWhileItIsOpen) {
    Fate fate;
    serve([&fate](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        socket.accept();
        co_await while_open(socket, wait_for_ever(fate));
    });
    testkit::WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    harness().run_until_idle();
    peer.close();
    harness().run_until_idle();
    EXPECT_TRUE(fate.is_stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

}  // namespace
}  // namespace c10k
