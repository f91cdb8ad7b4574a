#include "connection/fixture.hpp"

#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

class WebSocketClosingOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, WebSocketClosingOnEveryNetwork, every_network(), network_name);

class WebSocketClosingInMemory : public InMemory {};

TEST_P(WebSocketClosingOnEveryNetwork, ClosesWith1000WhenTheViewReturns) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send("bye"); });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "bye");
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    peer.wait_for_end();  // the server ends the TCP connection first (RFC 6455, 7.1.1)
    EXPECT_FALSE(peer.failed());
    peer.close();
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(WebSocketClosingOnEveryNetwork, ClosesWith1011WhenTheViewThrows) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        throw std::runtime_error("no");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.wait_for_close().code, 1011);
    EXPECT_EQ(app.failures, 1);
}

// As of a view that relays to another server, whose WebSocket has closed.
TEST_P(WebSocketClosingOnEveryNetwork, ClosesWith1011WhenTheViewLetsTheEndOfAnotherWebSocketEscape) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        throw ConnectionClosed{};
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.wait_for_close().code, 1011);
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketClosingOnEveryNetwork, RefusesWith500WhenTheEndOfAnotherWebSocketEscapesBeforeItsAnswer) {
    serve([](WebSocket&, Captured) -> Task<> {
        throw ConnectionClosed{};
        co_return;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
    peer.wait_for_end();
    peer.close();
    wait_until_empty();
}

TEST_P(WebSocketClosingOnEveryNetwork, SendsCodeAndReasonOfTheView) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        socket.close(4001, "enough");
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(socket.close_info().code, 4001);
        EXPECT_THROW((void)co_await socket.send("two"), ConnectionClosed);
        socket.close(4002, "again");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.wait_for_close().code, 4001);
    EXPECT_EQ(peer.wait_for_close().reason, "enough");
}

TEST_P(WebSocketClosingOnEveryNetwork, TellsTheViewCodeAndReasonOfThePeer) {
    std::optional<CloseInfo> info;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.close_with(4321, "why");
    EXPECT_EQ(peer.wait_for_close().code, 4321);  // echoed (RFC 6455, 5.5.1)
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->code, 4321);
    EXPECT_EQ(info->reason, "why");
}

TEST_P(WebSocketClosingOnEveryNetwork, DeliversWhatCameBeforeTheClose) {
    std::vector<std::string> got;
    Gate gate;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await gate.wait();
        while (auto message = co_await socket.recv()) {
            got.emplace_back(message->view());
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.send_message("one");
    peer.send_message("two");
    peer.close_with(1000);
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    gate.open();
    if (is_in_memory()) {
        harness().advance(2ms);
    }
    harness().run_until([&] { return got.size() == 2; }, "the messages");
    EXPECT_EQ(got, (std::vector<std::string>{"one", "two"}));
}

// Two messages and then `last`, in one segment where the network does not cut it.
void send_behind_messages(WebSocketPeer& peer, std::string_view last) {
    std::string bytes;
    wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "one", bytes);
    wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "two", bytes);
    peer.send(bytes.append(last));
}

TEST_P(WebSocketClosingOnEveryNetwork, LetsTheViewAnswerWhatCameBeforeABadFrameOrTheClose) {
    std::string close;
    wire::append_frame(wire::Role::kClient, wire::Opcode::kClose, "\x10\xE1why", close);  // 4321
    serve(echo);
    for (const auto& [last, code] : {std::pair{std::string_view{"\x83\x80"}, 1002},  // reserved (RFC 6455, 5.2)
                                     std::pair{std::string_view{close}, 4321}}) {
        WebSocketPeer peer{harness(), "/ws/"};
        peer.answer();
        send_behind_messages(peer, last);
        EXPECT_EQ(peer.recv(), "one");
        EXPECT_EQ(peer.recv(), "two");
        EXPECT_EQ(peer.wait_for_close().code, code);
        peer.wait_for_end();
        EXPECT_FALSE(peer.failed());
        peer.close();
        wait_until_empty();
        EXPECT_EQ(app.closed.back(), code);
    }
}

TEST_P(WebSocketClosingOnEveryNetwork, LetsAViewThatWaitsInSendAnswerWhatCameBeforeTheClose) {
    serve(echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    const std::string large(70 * 1024, 'x');  // more than the outbox's limit
    std::string bytes;
    wire::append_frame(wire::Role::kClient, wire::Opcode::kText, large, bytes);
    std::string close;
    wire::append_frame(wire::Role::kClient, wire::Opcode::kClose, "\x10\xE1why", close);  // 4321
    peer.send(bytes);
    send_behind_messages(peer, close);
    EXPECT_EQ(peer.recv(), large);
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.recv(), "two");
    EXPECT_EQ(peer.wait_for_close().code, 4321);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    peer.close();
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{4321});
}

TEST_F(WebSocketClosingInMemory, KeepsThePeersCodeWhenTheViewReturnsBeforeItsCloseAndThePeerIsGone) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.recv(); });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    std::string close;
    wire::append_frame(wire::Role::kClient, wire::Opcode::kClose, "\x10\xE1why", close);
    send_behind_messages(peer, close);
    peer.shutdown_write();
    EXPECT_EQ(peer.wait_for_close().code, 4321);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{4321});
}

TEST_F(WebSocketClosingInMemory, AnswersABadFrameAtOnceWhenTheViewDoesNotTakeWhatCameBefore) {
    Gate gate;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await gate.wait();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    send_behind_messages(peer, "\x83\x80");
    EXPECT_EQ(peer.wait_for_close().code, 1002);
    gate.open();
}

TEST_P(WebSocketClosingOnEveryNetwork, ReportsALostPeerAs1006) {
    std::optional<CloseInfo> info;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.close();
    harness().run_until([&] { return info.has_value(); }, "the loss");
    EXPECT_EQ(info->code, 1006);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1006});
}

TEST_P(WebSocketClosingOnEveryNetwork, SendsWhatIsQueuedToAPeerThatOnlyFinishedSending) {  // half-closed
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        co_await socket.recv();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    peer.shutdown_write();
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
}

TEST_P(WebSocketClosingOnEveryNetwork, ClosesOnAProtocolErrorAndIgnoresTheRest) {  // RFC 6455, 7.1.7
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.answer_nothing();
    peer.send("\x81\x02hi" + std::string(5000, 'x'));  // not masked
    EXPECT_EQ(peer.wait_for_close().code, 1002);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1002});
}

TEST_P(WebSocketClosingOnEveryNetwork, AnswersPings) {  // RFC 6455, 5.5.2
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.send_frame(wire::Opcode::kPing, "are you there");
    peer.send_message("yes");
    EXPECT_EQ(peer.recv(), "yes");
    EXPECT_EQ(peer.pongs(), std::vector<std::string>{"are you there"});
}

TEST_P(WebSocketClosingOnEveryNetwork, ClosesEveryWebSocketWith1001WhenTheServerCloses) {
    std::vector<std::uint16_t> codes;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        while (co_await socket.recv()) {
        }
        codes.push_back(socket.close_info().code);
    });
    WebSocketPeer one{harness(), "/ws/"};
    WebSocketPeer two{harness(), "/ws/"};
    EXPECT_EQ(one.answer().status, 101);
    EXPECT_EQ(two.answer().status, 101);
    harness().close();
    EXPECT_EQ(one.wait_for_close().code, 1001);
    EXPECT_EQ(two.wait_for_close().code, 1001);
    EXPECT_EQ(codes, (std::vector<std::uint16_t>{1001, 1001}));
}

TEST_F(WebSocketClosingInMemory, EndsByItselfWhenThePeerDoesNotAnswerTheClose) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send("bye"); });
    WebSocketPeer mute{harness(), "/ws/"};
    mute.answer_nothing();
    EXPECT_EQ(mute.recv(), "bye");
    harness().advance(limits.close_time - 1ms);
    EXPECT_FALSE(mute.ended());
    harness().advance(1ms);
    EXPECT_TRUE(mute.ended() || mute.failed());
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketClosingInMemory, Row72GivesAPeerThatAnsweredInTimeATimeForItsFin) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.recv(); });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stay();
    peer.answer();
    peer.answer_nothing();
    peer.send_message("enough");
    harness().advance(limits.close_time - 1ms);
    peer.send_frame(wire::Opcode::kClose, "\x03\xE8");  // 1000
    harness().advance(limits.close_time - 1ms);
    EXPECT_EQ(harness().server().count(), 1U);
    harness().advance(1ms);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketClosingInMemory, ReadsWhatStillComesAfterItsFinForAWhile) {  // lingering
    serve([](WebSocket&, Captured) -> Task<> { co_return; });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stay();
    peer.answer();
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    for (int i = 0; i < 10; ++i) {
        peer.send("more");
        harness().run_until_idle();
    }
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(peer.failed());
    harness().advance(limits.close_time);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketClosingInMemory, CutsConnectionsThatOutliveTheShutdownTime) {
    int stopped = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        try {
            co_await sleep_for(10h);
        } catch (const Stopped&) {
            ++stopped;
            throw;
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    const std::int64_t before = harness().loop().backend().now();
    harness().close();
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_EQ(stopped, 1);
    EXPECT_LE(harness().loop().backend().now() - before, limits.shutdown_time.count() + 1);
    EXPECT_EQ(peer.wait_for_close().code, 1001);
}

TEST_F(WebSocketClosingInMemory, RefusesAHandshakeThatIsNotAnsweredWhenTheServerCloses) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.closed();
        socket.accept();  // too late
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until_idle();
    harness().close();
    EXPECT_EQ(peer.answer().status, 503);
    EXPECT_TRUE(app.opened.empty());
}

TEST_F(WebSocketClosingInMemory, StopsATaskThatRunsWhileOpen) {
    bool stopped = false;
    bool went_on = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        const auto work = [](bool& flag) -> Task<> {
            try {
                co_await sleep_for(10h);
            } catch (const Stopped&) {
                flag = true;
                throw;
            }
        };
        socket.accept();
        co_await while_open(socket, work(stopped));
        went_on = true;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    EXPECT_FALSE(stopped);
    peer.close_with(1000);
    harness().run_until_idle();
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(went_on);
}

TEST_F(WebSocketClosingInMemory, PassesOnWhatATaskThrowsWhileOpen) {
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        const auto fail = []() -> Task<> {
            co_await sleep_for(1ms);
            throw std::runtime_error("no");
        };
        co_await while_open(socket, fail());
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().advance(1ms);
    EXPECT_EQ(peer.wait_for_close().code, 1011);
}

}  // namespace
}  // namespace c10k
