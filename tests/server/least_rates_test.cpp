// Peers that do the least that keeps them alive, and what each thing that a connection waits for may take by itself.
#include "connection/fixture.hpp"
#include "wire/frame.hpp"

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;
using testkit::WebSocketPeer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class LeastRates : public ConnectionTest {
protected:
    [[nodiscard]] const Counters& struck() { return harness().server().counters(); }
    // The peer takes so many bytes, and nothing more.
    void take_some(Peer& peer, std::size_t bytes) {
        harness().network().faults().read_bytes = bytes;
        peer.start_receiving();
        harness().loop().turn();
        peer.stop_receiving();
        harness().run_until_idle();
    }
    static std::string first_fragment(std::string_view payload) { return fragment('\x01', payload); }
    static std::string next_fragment(std::string_view payload) { return fragment('\0', payload); }

private:
    static std::string fragment(char head, std::string_view payload) {
        return std::string{head} + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') +
               std::string{payload};
    }
};

// ---- Answers

TEST_F(LeastRates, Row74EndAPeerThatTakesAnAnswerByteByByte) {
    app.on_request = [](Request&) { return Response::text(std::string(3'000'000, 'x')); };
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().run_until_idle();
    const auto seconds = limits.write_time * 2 / 1s;
    for (int i = 0; i < seconds && harness().server().count() > 0; ++i) {
        take_some(peer, limits.min_response_rate / 5);
        harness().advance(1s);
    }
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_EQ(struck().strikes(Limit::kMinResponseRate), 1U);
    EXPECT_EQ(struck().strikes(Limit::kWriteTime), 0U);
}

TEST_F(LeastRates, Row74EndAPeerThatTakesAStreamByteByByte) {
    bool is_stopped = false;
    app.on_request = [&is_stopped](Request&) {
        return Response::stream("text/plain", [&is_stopped](BodyWriter& body) -> Task<> {
            try {
                for (;;) {
                    co_await body.write(std::string(1000, 'x'));
                }
            } catch (const Stopped&) {
                is_stopped = true;
                throw;
            }
        });
    };
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().run_until_idle();
    for (int i = 0; i < limits.write_time * 2 / 1s && !is_stopped; ++i) {
        take_some(peer, 1);
        harness().advance(1s);
    }
    EXPECT_TRUE(is_stopped);
    EXPECT_EQ(struck().strikes(Limit::kMinResponseRate), 1U);
}

TEST_F(LeastRates, LetAPeerTakeAnAnswerAsSlowlyAsTheyAllow) {
    const std::size_t size = 100'000;
    app.on_request = [size](Request&) { return Response::text(std::string(size, 'x')); };
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().run_until_idle();
    while (peer.received_in_all() < size) {
        ASSERT_EQ(harness().server().count(), 1U) << peer.received_in_all();
        take_some(peer, limits.min_response_rate);
        harness().advance(1s);
    }
    EXPECT_EQ(struck().strikes(Limit::kMinResponseRate), 0U);
}

TEST_F(LeastRates, LeaveAnAnswerAloneIfThereIsNone) {
    app.on_request = [](Request&) { return Response::text(std::string(100'000, 'x')); };
    limits.min_response_rate = 0;
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().run_until_idle();
    for (int i = 0; i < 1000; ++i) {
        take_some(peer, 1);
        harness().advance(1s);
    }
    EXPECT_EQ(harness().server().count(), 1U);
}

// ---- Messages

TEST_F(LeastRates, Row74CloseAWebSocketWhoseMessageNeverEnds) {
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        socket.accept();
        co_await socket.closed();
    });
    for (const bool is_one_frame : {false, true}) {
        WebSocketPeer peer{harness(), "/ws/"};
        EXPECT_EQ(peer.answer().status, 101);
        peer.send(is_one_frame ? std::string{"\x81\xfe\x80\0\0\0\0\0", 8} : first_fragment("x"));
        for (Duration time{}; time < limits.message_time; time += 1s) {
            harness().advance(1s);
            EXPECT_TRUE(peer.is_open());
            peer.send(is_one_frame ? "x" : next_fragment("x"));
        }
        harness().advance(1s);
        peer.send(is_one_frame ? "x" : next_fragment("x"));
        EXPECT_EQ(peer.wait_for_close().code, 1008);
    }
    EXPECT_EQ(struck().strikes(Limit::kMessageTime), 2U);
}

TEST_F(LeastRates, Row74CloseAWebSocketThatOnlyAnswersPingsInsideAMessage) {
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        socket.accept();
        co_await socket.closed();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    peer.send(first_fragment("x"));
    harness().advance(limits.message_time + 2 * limits.ping_interval);
    EXPECT_EQ(peer.wait_for_close().code, 1008);
}

TEST_F(LeastRates, TimeEachMessageByItself) {
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    peer.send(first_fragment("x"));
    for (int i = 0; i < 10; ++i) {
        harness().advance(limits.message_time / 2);
        peer.send(std::string{"\x80\x80\0\0\0\0", 6} + first_fragment("x"));  // the end of one, and the next begins
    }
    harness().run_until_idle();
    EXPECT_TRUE(peer.is_open());
}

TEST_F(LeastRates, DoNotTimeAMessageThatNobodyReads) {
    limits.inbox_bytes = 100;
    Gate gate;
    start(Network::kMemory);
    serve([&gate](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        socket.accept();
        co_await gate.wait();
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    peer.send_message(std::string(200, 'x'));
    peer.send(first_fragment("x"));
    harness().advance(2 * limits.message_time);
    gate.open();
    harness().run_until_idle();
    peer.send(next_fragment("x"));
    harness().run_until_idle();
    EXPECT_TRUE(peer.is_open());
    EXPECT_EQ(struck().strikes(Limit::kMessageTime), 0U);
}

// ---- Deadlines

TEST_F(LeastRates, AreApartFromTheTimeOfAHead) {
    app.on_request = [](Request&) { return Response::text(std::string(100'000, 'x')); };
    limits.head_time = 2s;
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(std::string{kGet} + "GET / HT");
    harness().advance(limits.head_time - 1ms);
    EXPECT_EQ(struck().strikes(Limit::kHeadTime), 0U);
    harness().advance(1ms);
    EXPECT_EQ(struck().strikes(Limit::kHeadTime), 1U);
    peer.start_receiving();
    EXPECT_EQ(peer.take_response().status, 200);
    EXPECT_EQ(peer.take_response().status, 408);
    peer.wait_for_end();
}

TEST_F(LeastRates, AreApartFromTheTimeOfABody) {
    app.on_request = [](Request&) { return Response::text(std::string(100'000, 'x')); };
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(std::string{kGet} + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx");
    harness().advance(limits.body_grace);
    EXPECT_EQ(struck().strikes(Limit::kMinBodyRate), 1U);
}

TEST_F(LeastRates, OfAnswersHoldWhileAViewRunsBehindThem) {
    app.on_request = [](Request& request) -> Application::Answer {
        if (request.path == "/") {
            return Response::text(std::string(100'000, 'x'));
        }
        return []() -> Task<Response> {
            co_await sleep_for(24h);
            co_return Response::text("never");
        }();
    };
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(std::string{kGet} + "GET /view HTTP/1.1\r\nHost: a\r\n\r\n");
    harness().advance(limits.write_time);
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_EQ(struck().strikes(Limit::kWriteTime), 1U);
}

TEST_F(LeastRates, DoNotTimeAHeadThatNobodyReads) {
    app.on_request = [](Request&) { return Response::text(std::string(300'000, 'x')); };
    limits.head_time = 2s;
    start(Network::kMemory);
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(std::string{kGet} + "GET / HT");
    harness().advance(2 * limits.head_time);
    EXPECT_EQ(struck().strikes(Limit::kHeadTime), 0U);
    peer.start_receiving();
    EXPECT_EQ(peer.take_response().status, 200);
    peer.send("TP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().status, 200);
}

}  // namespace
}  // namespace c10k
