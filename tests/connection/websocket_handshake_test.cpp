#include "connection/fixture.hpp"

#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

std::string client_frame(wire::Opcode opcode, std::string_view payload) {
    std::string frame;
    wire::append_frame(wire::Role::kClient, opcode, payload, frame);
    return frame;
}

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

class WebSocketHandshakeOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, WebSocketHandshakeOnEveryNetwork, every_network(), network_name);

class WebSocketHandshakeInMemory : public InMemory {};

TEST_P(WebSocketHandshakeOnEveryNetwork, EchoesMessagesOfEverySize) {
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    for (const std::size_t size : {0, 1, 125, 126, 4095, 4096, 5000}) {
        const std::string text(size, 'a');
        peer.send_message(text);
        EXPECT_EQ(peer.recv(), text);
    }
    peer.send_message(Message::binary("\xff"));
    EXPECT_FALSE(peer.recv().is_text());
    EXPECT_EQ(app.opened, std::vector<std::string>{"/ws/"});
}

TEST_P(WebSocketHandshakeOnEveryNetwork, TakesFramesThatCameWithTheHandshake) {
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    EXPECT_EQ(peer.recv(), "early");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, TakesACloseThatCameWithTheHandshake) {
    std::optional<bool> empty;
    serve([&](WebSocket& socket, Captured) -> Task<> { empty = !co_await socket.recv(); });
    WebSocketPeer peer{harness(), "/ws/", {}, {}, client_frame(wire::Opcode::kClose, "\x03\xe8")};
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    wait_until_empty();
    EXPECT_EQ(empty, true);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(WebSocketHandshakeOnEveryNetwork, GivesTheViewItsCapturesAndRequest) {
    serve([](WebSocket& socket, Captured captured) -> Task<> {
        const std::string agent{socket.request().headers.get("User-Agent").value_or("none")};
        co_await socket.send(agent);
        co_await socket.send(captured[0]);
    });
    WebSocketPeer peer{harness(), "/ws/lobby", {{"User-Agent", "test"}}};
    EXPECT_EQ(peer.recv(), "test");
    EXPECT_EQ(peer.recv(), "lobby");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, AgreesOnTheSubprotocolThatItPrefers) {  // RFC 6455, 1.9
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send(socket.subprotocol()); });
    WebSocketPeer peer{harness(), "/ws/", {}, {"other", "chat.v1", "chat.v2"}};
    EXPECT_EQ(peer.recv(), "chat.v2");
    EXPECT_EQ(peer.subprotocol(), "chat.v2");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, LetsTheViewRefuse) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403, "members only");
        EXPECT_FALSE(socket.is_open());
        EXPECT_THROW(socket.refuse(404), std::logic_error);
        EXPECT_FALSE((co_await socket.recv()).has_value());
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 403);
    EXPECT_EQ(peer.answer().body, "members only");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_TRUE(app.opened.empty());
    EXPECT_TRUE(app.closed.empty());
    EXPECT_EQ(app.statuses, std::vector<int>{403});
}

TEST_P(WebSocketHandshakeOnEveryNetwork, ThrowsAwayWhatComesBehindAHandshakeThatItRefuses) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403);
        EXPECT_FALSE((co_await socket.recv()).has_value());
    });
    WebSocketPeer peer{harness(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    peer.send("no frame at all");
    EXPECT_EQ(peer.answer().status, 403);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(peer.received(), "");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, AnswersAnExceptionBeforeThe101With500) {
    serve([](WebSocket&, Captured) -> Task<> {
        throw std::runtime_error("no");
        co_return;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
    peer.wait_for_end();
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketHandshakeOnEveryNetwork, SurvivesAViewThatIsNoCoroutineAndThrows) {
    serve([](WebSocket&, Captured) -> Task<> { throw std::runtime_error("no"); });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
}

TEST_P(WebSocketHandshakeOnEveryNetwork, AnswersARefusalThatCannotBeSentWith500) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(7);
        co_return;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketHandshakeOnEveryNetwork, AcceptsAndClosesForAViewThatReturnsAtOnce) {
    serve([](WebSocket&, Captured) -> Task<> { co_return; });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_P(WebSocketHandshakeOnEveryNetwork, HidesTheRequestOnceItIsAnswered) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        socket.accept();
        EXPECT_THROW((void)socket.request(), std::logic_error);
        EXPECT_THROW(socket.refuse(403), std::logic_error);
        co_await socket.send("well");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.recv(), "well");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, TellsAViewThatItsPeerHasLeftBeforeTheAnswer) {
    bool is_open_afterwards = true;
    bool is_waiting = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        is_waiting = true;
        co_await socket.closed();
        is_open_afterwards = socket.is_open();
        EXPECT_EQ(socket.request().path, "/ws/");
        socket.accept();  // too late
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until([&] { return is_waiting; }, "the view");
    peer.close();
    wait_until_empty();
    EXPECT_FALSE(is_open_afterwards);
    EXPECT_TRUE(app.opened.empty());
}

Task<Response> hello_behind(Gate& gate) {
    co_await gate.wait();
    co_return Response::text("hello");
}

// The handshake waits for the answer before it, and the FIN comes meanwhile.
TEST_F(WebSocketHandshakeInMemory, HearsOfAFinThatCameBeforeTheWebSocketHadItsSocket) {
    Gate gate;
    bool has_ended = false;
    bool is_asked = false;
    app.on_request = [&](Request&) {
        is_asked = true;
        return hello_behind(gate);
    };
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        has_ended = true;
    });
    testkit::Peer peer{harness()};
    peer.stay();
    peer.send(
        "GET / HTTP/1.1\r\nHost: test\r\n\r\n"
        "GET /ws/ HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    peer.shutdown_write();
    harness().run_until([&] { return is_asked; }, "the view of the page");
    harness().run_until_idle();
    gate.open();
    EXPECT_EQ(peer.take_response().body, "hello");
    harness().run_until([&] { return has_ended; }, "the view of the WebSocket");
    wait_until_empty();
}

class WithASmallInbox : public ConnectionTest {
protected:
    void SetUp() override {
        limits.inbox_bytes = 1000;
        start(Network::kMemory);
    }
};

TEST_F(WithASmallInbox, KeepsABoundedAmountOfWhatComesBeforeTheAnswer) {
    Gate gate;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await gate.wait();
        std::size_t bytes = 0;
        while (const auto message = co_await socket.recv()) {
            bytes += message->size();
        }
        EXPECT_EQ(bytes, 50'000U);
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until_idle();
    for (int i = 0; i < 50; ++i) {
        peer.send(client_frame(wire::Opcode::kText, std::string(1000, 'x')));
    }
    harness().run_until_idle();
    EXPECT_GE(peer.unsent(), 50'000U - 2 * 10'000 - 1000);
    gate.open();
    peer.send(client_frame(wire::Opcode::kClose, "\x03\xe8"));
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_P(WebSocketHandshakeOnEveryNetwork, SendsThe101BeforeWhatOthersSentMeanwhile) {
    std::optional<WebSocketHandle> handle;
    Gate gate;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        co_await gate.wait();
        co_await socket.send("second");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until([&] { return handle.has_value(); }, "the view");
    EXPECT_TRUE(handle->send("first"));
    gate.open();
    if (is_in_memory()) {
        EXPECT_TRUE(peer.received().empty());
        harness().advance(2ms);
    }
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.recv(), "first");
    EXPECT_EQ(peer.recv(), "second");
}

TEST_P(WebSocketHandshakeOnEveryNetwork, RefusesWith503WhatAHandleClosesBeforeTheViewHasAnswered) {
    std::optional<WebSocketHandle> handle;
    Gate gate;
    std::string seen;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        const Request& request = socket.request();
        handle = socket.handle();
        co_await gate.wait();
        seen = request.target;  // lives until the view has answered
        EXPECT_FALSE(socket.is_open());
        socket.refuse(403);  // nobody hears of it
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_THROW((void)co_await socket.send("too late"), ConnectionClosed);
    });
    WebSocketPeer peer{harness(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    harness().run_until([&] { return handle.has_value(); }, "the view");
    handle->send("never sent");
    handle->close(4000);
    EXPECT_EQ(peer.answer().status, 503);
    peer.wait_for_end();
    gate.open();
    wait_until_empty();
    EXPECT_EQ(seen, "/ws/");
    EXPECT_EQ(app.statuses, std::vector<int>{503});
    EXPECT_EQ(app.failures, 0);
    EXPECT_TRUE(app.opened.empty());
}

TEST_F(WebSocketHandshakeInMemory, LeavesTheRequestToAViewWhosePeerHasGone) {
    Gate gate;
    std::string seen;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        const Request& request = socket.request();
        co_await gate.wait();
        seen = request.target;
        EXPECT_EQ(&socket.request(), &request);
        socket.refuse(403);
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until_idle();
    harness().network().reset(peer.socket());
    peer.close();
    harness().run_until_idle();
    gate.open();
    harness().run_until_idle();
    EXPECT_EQ(seen, "/ws/");
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_EQ(app.failures, 0);
}

// Its outbox has more than it may, and the 101 is not ours to give.
TEST_F(WebSocketHandshakeInMemory, RefusesWith503AMemberThatIsTooSlowToAnswer) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        co_await socket.closed();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until_idle();
    for (int i = 0; i < 20; ++i) {
        handle->send(std::string(1024 * 1024, 'x'));
        harness().run_until_idle();
    }
    EXPECT_EQ(peer.answer().status, 503);
    EXPECT_TRUE(app.opened.empty());
}

TEST_F(WebSocketHandshakeInMemory, RefusesWith503WhenTheViewDoesNotAnswerInTime) {
    bool stopped = false;
    serve([&](WebSocket&, Captured) -> Task<> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
            stopped = true;
            throw;
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().advance(limits.handshake_time - 1ms);
    EXPECT_TRUE(peer.received().empty());
    harness().advance(1ms);
    EXPECT_EQ(peer.answer().status, 503);
    EXPECT_TRUE(stopped);
    harness().advance(1min);
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_TRUE(app.closed.empty());
}

TEST_F(WebSocketHandshakeInMemory, HasNoHandshakeLimitOnceAnswered) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await sleep_for(1min);
        co_await socket.send("late");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    harness().advance(1min);
    EXPECT_EQ(peer.recv(), "late");
}

TEST_F(WebSocketHandshakeInMemory, ForgetsAPeerThatResetsBeforeThe101) {
    bool closed = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await socket.closed();
        closed = true;
        EXPECT_THROW((void)co_await socket.send("too late"), ConnectionClosed);
    });
    WebSocketPeer peer{harness(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    harness().run_until_idle();
    peer.send("x");
    harness().network().reset(peer.socket());
    peer.close();
    harness().run_until_idle();
    EXPECT_TRUE(closed);
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_TRUE(app.closed.empty());
}

}  // namespace
}  // namespace c10k
