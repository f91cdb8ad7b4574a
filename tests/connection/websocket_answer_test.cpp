#include "c10k/json.hpp"
#include "connection/fixture.hpp"

#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

class WebSocketAnswerOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, WebSocketAnswerOnEveryNetwork, every_network(), network_name);

class WebSocketAnswerInMemory : public InMemory {};

// ---- accept(options)

TEST_P(WebSocketAnswerOnEveryNetwork, AcceptsWithASubprotocolAndHeadersOfTheView) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        const auto offered = socket.offered_subprotocols();
        EXPECT_EQ((std::vector<std::string>{offered.begin(), offered.end()}),
                  (std::vector<std::string>{"chat.v1", "other"}));
        EXPECT_EQ(socket.subprotocol(), "chat.v1");  // what the route agrees on
        socket.accept(
            {.subprotocol = std::string{offered.back()}, .headers = {{"Set-Cookie", "a=b"}, {"X-Name", "c"}}});
        EXPECT_EQ(socket.subprotocol(), "other");
        co_await socket.send(socket.subprotocol());
        co_await socket.recv();
    });
    for (int i = 0; i < 2; ++i) {
        WebSocketPeer peer{harness(), "/ws/", {}, {"chat.v1", "other"}};
        EXPECT_EQ(peer.answer().status, 101);
        EXPECT_EQ(peer.answer().headers.get("Set-Cookie"), "a=b");
        EXPECT_EQ(peer.answer().headers.get("X-Name"), "c");
        EXPECT_EQ(peer.subprotocol(), "other");
        EXPECT_EQ(peer.recv(), "other");
    }
}

TEST_F(WebSocketAnswerInMemory, AcceptsWithoutASubprotocolIfTheViewWantsNone) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept({.subprotocol = ""});
        EXPECT_EQ(socket.subprotocol(), "");
        co_await socket.recv();
    });
    WebSocketPeer peer{harness(), "/ws/", {}, {"chat.v1"}};
    EXPECT_EQ(peer.answer().headers.count("Sec-WebSocket-Protocol"), 0U);
}

TEST_F(WebSocketAnswerInMemory, KeepsTheSubprotocolsOfItsWebSocketsApart) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept({.subprotocol = socket.offered_subprotocols().front()});
        while (co_await socket.recv()) {
            co_await socket.send(socket.subprotocol());
        }
        EXPECT_FALSE(socket.subprotocol().empty());
    });
    WebSocketPeer one{harness(), "/ws/", {}, {"one"}};
    WebSocketPeer two{harness(), "/ws/", {}, {"two"}};
    WebSocketPeer also_one{harness(), "/ws/", {}, {"one"}};
    for (WebSocketPeer* peer : {&one, &two, &also_one}) {
        peer->send_message("which?");
    }
    EXPECT_EQ(one.recv(), "one");
    one.close_with(1000);
    one.wait_for_close();
    WebSocketPeer three{harness(), "/ws/", {}, {"three"}};
    three.send_message("which?");
    EXPECT_EQ(three.recv(), "three");
    EXPECT_EQ(two.recv(), "two");
    EXPECT_EQ(also_one.recv(), "one");
    also_one.send_message("still?");
    EXPECT_EQ(also_one.recv(), "one");
}

// Nothing has changed then: the view may answer otherwise.
TEST_F(WebSocketAnswerInMemory, RefusesToAcceptWhatTheHandshakeCannotSay) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        const auto accept = [&socket](AcceptOptions options) { socket.accept(options); };
        EXPECT_THROW(accept({.subprotocol = "never offered"}), std::logic_error);
        for (const char* const name : {"Sec-WebSocket-Accept", "sec-websocket-protocol", "Connection", "Upgrade",
                                       "Content-Length", "Transfer-Encoding", "no token"}) {
            EXPECT_THROW(accept({.headers = {{name, "x"}}}), std::logic_error) << name;
        }
        EXPECT_THROW(accept({.headers = {{"X-Name", "a\r\nX-Other: b"}}}), std::logic_error);
        EXPECT_TRUE(socket.is_open());
        EXPECT_EQ(socket.request().path, "/ws/");
        accept({.slow_member = SlowMember::kDropNewest});
        EXPECT_THROW(accept({}), std::logic_error);
        EXPECT_THROW(static_cast<void>(socket.offered_subprotocols()), std::logic_error);
        co_await socket.send("open");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.recv(), "open");
}

TEST_F(WebSocketAnswerInMemory, AcceptsNobodyWhoHasGone) {
    Gate gate;
    bool has_ended = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await gate.wait();
        EXPECT_FALSE(socket.is_open());
        socket.accept({.headers = {{"X-Name", "a"}}});
        EXPECT_FALSE((co_await socket.recv()).has_value());
        has_ended = true;
    });
    {
        WebSocketPeer peer{harness(), "/ws/"};
        harness().run_until_idle();
        harness().network().reset(peer.socket());
        harness().run_until_idle();
    }
    gate.open();
    wait_until_empty();
    EXPECT_TRUE(has_ended);
    EXPECT_TRUE(app.opened.empty());
}

TEST_F(WebSocketAnswerInMemory, TreatsASlowMemberAsTheViewHasAccepted) {
    limits.slow_limit_bytes = 100'000;
    limits.slow_bytes = 50'000;
    start(Network::kMemory);
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept({.slow_member = SlowMember::kDropNewest});  // the route would close
        const WebSocketHandle handle = socket.handle();
        for (int i = 0; i < 100; ++i) {
            handle.send(std::string(10'000, 'x'));
        }
        co_await socket.recv();
        EXPECT_TRUE(socket.is_open());
        co_await socket.recv();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    harness().advance(1s);
    EXPECT_GT(harness().server().counters().dropped.value(), 0U);
    peer.send_message("still here");
    harness().advance(1s);
    EXPECT_TRUE(app.closed.empty());
    peer.start_receiving();
}

// ---- refuse(response)

TEST_P(WebSocketAnswerOnEveryNetwork, RefusesWithAResponseOfTheView) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        Response response = Response::json({{"error", "members only"}}, 403);
        response.headers.add("Set-Cookie", "a=b");
        response.headers.add("Set-Cookie", "c=d");
        socket.refuse(response);
        EXPECT_FALSE(socket.is_open());
        EXPECT_THROW(socket.refuse(Response{}), std::logic_error);
        EXPECT_FALSE((co_await socket.recv()).has_value());
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 403);
    EXPECT_EQ(peer.answer().headers.get("Content-Type"), "application/json");
    EXPECT_EQ(peer.answer().headers.count("Set-Cookie"), 2U);
    EXPECT_EQ(peer.answer().body, R"({"error":"members only"})");
    peer.wait_for_end();
    EXPECT_EQ(app.statuses, std::vector<int>{403});
}

TEST_F(WebSocketAnswerInMemory, RefusesWithNothingThatCannotBeSent) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        EXPECT_THROW(socket.refuse(Response{.status = 101}), std::logic_error);
        EXPECT_THROW(socket.refuse(Response{.status = 403, .headers = {{"X", "a\r\nb"}}}), std::logic_error);
        EXPECT_THROW(socket.refuse(Response::stream("text/plain", [](BodyWriter&) -> Task<> { co_return; })),
                     std::logic_error);
        EXPECT_TRUE(socket.is_open());
        socket.refuse(Response::redirect("/login/"));
        co_return;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 302);
    EXPECT_EQ(peer.answer().headers.get("Location"), "/login/");
}

// ---- try_recv()

TEST_P(WebSocketAnswerOnEveryNetwork, TakesOnlyMessagesThatAreThere) {
    std::string got;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE(socket.try_recv());
        EXPECT_THROW(static_cast<void>(socket.offered_subprotocols()), std::logic_error);  // it has accepted
        while (got.size() < 3) {
            const auto first = co_await socket.recv();
            got += first->view();
            while (const auto more = socket.try_recv()) {
                got += more->view();
            }
        }
        EXPECT_FALSE(socket.try_recv());
        EXPECT_TRUE(socket.is_open());
        co_await socket.send("all");
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_FALSE(socket.try_recv());  // nor after the close
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    for (const char* const text : {"a", "b", "c"}) {
        peer.send_message(text);
    }
    EXPECT_EQ(peer.recv(), "all");
    EXPECT_EQ(got, "abc");
    peer.close_with(1000);
    peer.wait_for_close();
    wait_until_empty();
}

TEST_F(WebSocketAnswerInMemory, TakesNoMessageFromSomebodyWhoWaitsForIt) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await task_group([&socket](TaskGroup& group) -> Task<> {
            group.spawn([](WebSocket& waited) -> Task<> {
                const auto message = co_await waited.recv();
                EXPECT_EQ(message->view(), "mine");
            }(socket));
            co_await yield();
            EXPECT_THROW(static_cast<void>(socket.try_recv()), std::logic_error);
        });
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().advance(1s);
    peer.send_message("mine");
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    EXPECT_EQ(app.failures, 0);
}

// ---- interrupt()

TEST_P(WebSocketAnswerOnEveryNetwork, ReturnsNoMessageWhenARecvIsInterruptedAndLosesNone) {
    WebSocket::RecvAwaiter* waiting = nullptr;
    int interrupted = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        for (bool is_over = false; !is_over;) {
            WebSocket::RecvAwaiter next = socket.recv();
            waiting = &next;
            const auto message = co_await next;
            waiting = nullptr;
            if (message) {
                EXPECT_EQ(message->view(), "later");
                is_over = true;
            } else {
                EXPECT_TRUE(socket.is_open());
                ++interrupted;
            }
        }
        co_await socket.send("got it");
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    for (int i = 1; i <= 3; ++i) {
        harness().run_until([&] { return waiting != nullptr; }, "the view to wait");
        EXPECT_TRUE(std::exchange(waiting, nullptr)->interrupt());
        harness().run_until([&] { return interrupted == i; }, "the interruption");
    }
    peer.send_message("later");
    EXPECT_EQ(peer.recv(), "got it");
    EXPECT_EQ(interrupted, 3);
}

TEST_F(WebSocketAnswerInMemory, DeliversAMessageThatComesBetweenAnInterruptionAndItsEffect) {
    WebSocket::RecvAwaiter* waiting = nullptr;
    std::string got;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        WebSocket::RecvAwaiter next = socket.recv();
        waiting = &next;
        const auto message = co_await next;
        got = message ? std::string{message->view()} : "nothing";
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().run_until_idle();
    peer.send_message("just in time");
    EXPECT_TRUE(waiting->interrupt());
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    EXPECT_EQ(got, "just in time");
}

TEST_F(WebSocketAnswerInMemory, ReturnsFromSendAndClosedWhenTheyAreInterrupted) {
    harness().network().faults().kernel_bytes = 10'000;
    bool is_sent = false;
    bool is_closed = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await socket.recv();
        WebSocket::SendAwaiter sending = socket.send(std::string(limits.outbox_bytes + 20'000, 'x'));
        WebSocket::ClosedAwaiter closing = socket.closed();
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn([](WebSocket::SendAwaiter& waited, bool& flag) -> Task<> {
                co_await waited;
                flag = true;
            }(sending, is_sent));
            group.spawn([](WebSocket::ClosedAwaiter& waited, bool& flag) -> Task<> {
                co_await waited;
                flag = true;
            }(closing, is_closed));
            co_await sleep_for(1s);
            EXPECT_FALSE(is_sent || is_closed);
            EXPECT_TRUE(sending.interrupt());
            EXPECT_TRUE(closing.interrupt());
        });
        EXPECT_TRUE(socket.is_open());
        co_await socket.recv();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    peer.send_message("go");
    harness().advance(2s);
    EXPECT_TRUE(is_sent);
    EXPECT_TRUE(is_closed);
    peer.close();
    wait_until_empty();
}

}  // namespace
}  // namespace c10k
