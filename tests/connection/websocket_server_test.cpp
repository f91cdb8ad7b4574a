#include "connection/fixture.hpp"

#include <stdexcept>
#include <thread>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::NothingCame;
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

class WebSocketOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, WebSocketOnEveryNetwork,
                         testing::Values(Network::kMemory, Network::kByteByByte, Network::kLateAnswers, Network::kEpoll,
                                         Network::kUring),
                         network_name);

class WebSocketInMemory : public InMemory {};

// ---- The handshake

TEST_P(WebSocketOnEveryNetwork, EchoesMessagesOfEverySize) {
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
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

TEST_P(WebSocketOnEveryNetwork, TakesFramesThatCameWithTheHandshake) {
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    EXPECT_EQ(peer.recv(), "early");
}

TEST_P(WebSocketOnEveryNetwork, TakesACloseThatCameWithTheHandshake) {
    std::optional<bool> empty;
    serve([&](WebSocket& socket, Captured) -> Task<> { empty = !co_await socket.recv(); });
    WebSocketPeer peer{stage(), "/ws/", {}, {}, client_frame(wire::Opcode::kClose, "\x03\xe8")};
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    wait_until_empty();
    EXPECT_EQ(empty, true);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(WebSocketOnEveryNetwork, GivesTheViewItsCapturesAndRequest) {
    serve([](WebSocket& socket, Captured captured) -> Task<> {
        const std::string agent{socket.request().headers.get("User-Agent").value_or("none")};
        co_await socket.send(agent);
        co_await socket.send(captured[0]);
    });
    WebSocketPeer peer{stage(), "/ws/lobby", {{"User-Agent", "test"}}};
    EXPECT_EQ(peer.recv(), "test");
    EXPECT_EQ(peer.recv(), "lobby");
}

TEST_P(WebSocketOnEveryNetwork, AgreesOnTheSubprotocolThatItPrefers) {  // RFC 6455, 1.9
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send(socket.subprotocol()); });
    WebSocketPeer peer{stage(), "/ws/", {}, {"other", "chat.v1", "chat.v2"}};
    EXPECT_EQ(peer.recv(), "chat.v2");
    EXPECT_EQ(peer.subprotocol(), "chat.v2");
}

TEST_P(WebSocketOnEveryNetwork, LetsTheViewRefuse) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403, "members only");
        EXPECT_FALSE(socket.is_open());
        EXPECT_THROW(socket.refuse(404), std::logic_error);
        EXPECT_FALSE((co_await socket.recv()).has_value());
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 403);
    EXPECT_EQ(peer.answer().body, "members only");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_TRUE(app.opened.empty());
    EXPECT_TRUE(app.closed.empty());
    EXPECT_EQ(app.statuses, std::vector<int>{403});
}

TEST_P(WebSocketOnEveryNetwork, ThrowsAwayWhatComesBehindAHandshakeThatItRefuses) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403);
        EXPECT_FALSE((co_await socket.recv()).has_value());
    });
    WebSocketPeer peer{stage(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    peer.send("no frame at all");
    EXPECT_EQ(peer.answer().status, 403);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(peer.received(), "");
}

TEST_P(WebSocketOnEveryNetwork, AnswersAnExceptionBeforeThe101With500) {
    serve([](WebSocket&, Captured) -> Task<> {
        throw std::runtime_error("no");
        co_return;
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
    peer.wait_for_end();
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketOnEveryNetwork, SurvivesAViewThatIsNoCoroutineAndThrows) {
    serve([](WebSocket&, Captured) -> Task<> { throw std::runtime_error("no"); });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
}

TEST_P(WebSocketOnEveryNetwork, AnswersARefusalThatCannotBeSentWith500) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(7);
        co_return;
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 500);
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketOnEveryNetwork, AcceptsAndClosesForAViewThatReturnsAtOnce) {
    serve([](WebSocket&, Captured) -> Task<> { co_return; });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_P(WebSocketOnEveryNetwork, HidesTheRequestOnceItIsAnswered) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        socket.accept();
        EXPECT_THROW((void)socket.request(), std::logic_error);
        EXPECT_THROW(socket.refuse(403), std::logic_error);
        co_await socket.send("well");
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.recv(), "well");
}

TEST_P(WebSocketOnEveryNetwork, SendsThe101BeforeWhatOthersSentMeanwhile) {
    std::optional<Handle> handle;
    bool go = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (!go) {
            co_await sleep_for(1ms);
        }
        co_await socket.send("second");
    });
    WebSocketPeer peer{stage(), "/ws/"};
    stage().run_until([&] { return handle.has_value(); }, "the view");
    EXPECT_TRUE(handle->send("first"));
    go = true;
    if (is_in_memory()) {
        EXPECT_TRUE(peer.received().empty());
        stage().advance(2ms);
    }
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.recv(), "first");
    EXPECT_EQ(peer.recv(), "second");
}

TEST_F(WebSocketInMemory, RefusesWith503WhenTheViewDoesNotAnswerInTime) {
    bool stopped = false;
    serve([&](WebSocket&, Captured) -> Task<> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {
            stopped = true;
            throw;
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    stage().advance(limits.handshake_time - 1ms);
    EXPECT_TRUE(peer.received().empty());
    stage().advance(1ms);
    EXPECT_EQ(peer.answer().status, 503);
    EXPECT_TRUE(stopped);
    stage().advance(1min);
    EXPECT_EQ(stage().server().count(), 0U);
    EXPECT_TRUE(app.closed.empty());
}

TEST_F(WebSocketInMemory, HasNoHandshakeLimitOnceAnswered) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await sleep_for(1min);
        co_await socket.send("late");
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    stage().advance(1min);
    EXPECT_EQ(peer.recv(), "late");
}

TEST_F(WebSocketInMemory, ForgetsAPeerThatResetsBeforeThe101) {
    bool closed = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await socket.closed();
        closed = true;
        EXPECT_THROW((void)co_await socket.send("too late"), ConnectionClosed);
    });
    WebSocketPeer peer{stage(), "/ws/", {}, {}, client_frame(wire::Opcode::kText, "early")};
    stage().settle();
    peer.send("x");
    stage().network().reset(peer.socket());
    peer.close();
    stage().settle();
    EXPECT_TRUE(closed);
    EXPECT_EQ(stage().server().count(), 0U);
    EXPECT_TRUE(app.closed.empty());
}

// ---- Closing

TEST_P(WebSocketOnEveryNetwork, ClosesWith1000WhenTheViewReturns) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send("bye"); });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.recv(), "bye");
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    peer.wait_for_end();  // the server ends the TCP connection first (RFC 6455, 7.1.1)
    EXPECT_FALSE(peer.failed());
    peer.close();
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(WebSocketOnEveryNetwork, ClosesWith1011WhenTheViewThrows) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        throw std::runtime_error("no");
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.wait_for_close().code, 1011);
    EXPECT_EQ(app.failures, 1);
}

TEST_P(WebSocketOnEveryNetwork, SendsCodeAndReasonOfTheView) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        socket.close(4001, "enough");
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(socket.close_info().code, 4001);
        EXPECT_THROW((void)co_await socket.send("two"), ConnectionClosed);
        socket.close(4002, "again");
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    EXPECT_EQ(peer.wait_for_close().code, 4001);
    EXPECT_EQ(peer.wait_for_close().reason, "enough");
}

TEST_P(WebSocketOnEveryNetwork, TellsTheViewCodeAndReasonOfThePeer) {
    std::optional<CloseInfo> info;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.close_with(4321, "why");
    EXPECT_EQ(peer.wait_for_close().code, 4321);  // echoed (RFC 6455, 5.5.1)
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->code, 4321);
    EXPECT_EQ(info->reason, "why");
}

TEST_P(WebSocketOnEveryNetwork, DeliversWhatCameBeforeTheClose) {
    std::vector<std::string> got;
    bool go = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        while (!go) {
            co_await sleep_for(1ms);
        }
        while (auto message = co_await socket.recv()) {
            got.emplace_back(message->view());
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.send_message("one");
    peer.send_message("two");
    peer.close_with(1000);
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    go = true;
    if (is_in_memory()) {
        stage().advance(2ms);
    }
    stage().run_until([&] { return got.size() == 2; }, "the messages");
    EXPECT_EQ(got, (std::vector<std::string>{"one", "two"}));
}

TEST_P(WebSocketOnEveryNetwork, ReportsALostPeerAs1006) {
    std::optional<CloseInfo> info;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.close();
    stage().run_until([&] { return info.has_value(); }, "the loss");
    EXPECT_EQ(info->code, 1006);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1006});
}

TEST_P(WebSocketOnEveryNetwork, SendsWhatIsQueuedToAPeerThatOnlyFinishedSending) {  // half-closed
    serve([](WebSocket& socket, Captured) -> Task<> {
        co_await socket.send("one");
        co_await socket.recv();
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.recv(), "one");
    peer.finish_sending();
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
}

TEST_P(WebSocketOnEveryNetwork, ClosesOnAProtocolErrorAndIgnoresTheRest) {  // RFC 6455, 7.1.7
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.answer_nothing();
    peer.send("\x81\x02hi" + std::string(5000, 'x'));  // not masked
    EXPECT_EQ(peer.wait_for_close().code, 1002);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1002});
}

TEST_P(WebSocketOnEveryNetwork, AnswersPings) {  // RFC 6455, 5.5.2
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.send_frame(wire::Opcode::kPing, "are you there");
    peer.send_message("yes");
    EXPECT_EQ(peer.recv(), "yes");
    EXPECT_EQ(peer.pongs(), std::vector<std::string>{"are you there"});
}

TEST_P(WebSocketOnEveryNetwork, ClosesEveryWebSocketWith1001WhenTheServerCloses) {
    std::vector<std::uint16_t> codes;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        while (co_await socket.recv()) {
        }
        codes.push_back(socket.close_info().code);
    });
    WebSocketPeer one{stage(), "/ws/"};
    WebSocketPeer two{stage(), "/ws/"};
    EXPECT_EQ(one.answer().status, 101);
    EXPECT_EQ(two.answer().status, 101);
    stage().close();
    EXPECT_EQ(one.wait_for_close().code, 1001);
    EXPECT_EQ(two.wait_for_close().code, 1001);
    EXPECT_EQ(codes, (std::vector<std::uint16_t>{1001, 1001}));
}

TEST_F(WebSocketInMemory, EndsByItselfWhenThePeerDoesNotAnswerTheClose) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send("bye"); });
    WebSocketPeer mute{stage(), "/ws/"};
    mute.answer_nothing();
    EXPECT_EQ(mute.recv(), "bye");
    stage().advance(limits.websocket.close_time - 1ms);
    EXPECT_FALSE(mute.ended());
    stage().advance(1ms);
    EXPECT_TRUE(mute.ended() || mute.failed());
    EXPECT_EQ(stage().server().count(), 0U);
}

TEST_F(WebSocketInMemory, ReadsWhatStillComesAfterItsFinForAWhile) {  // lingering
    serve([](WebSocket&, Captured) -> Task<> { co_return; });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.stay();
    peer.answer();
    EXPECT_EQ(peer.wait_for_close().code, 1000);
    for (int i = 0; i < 10; ++i) {
        peer.send("more");
        stage().settle();
    }
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(peer.failed());
    stage().advance(limits.websocket.close_time);
    EXPECT_EQ(stage().server().count(), 0U);
}

TEST_F(WebSocketInMemory, CutsConnectionsThatOutliveTheShutdownTime) {
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
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    const std::int64_t before = stage().loop().backend().now();
    stage().close();
    EXPECT_EQ(stage().server().count(), 0U);
    EXPECT_EQ(stopped, 1);
    EXPECT_LE(stage().loop().backend().now() - before, limits.shutdown_time.count() + 1);
    EXPECT_EQ(peer.wait_for_close().code, 1001);
}

TEST_F(WebSocketInMemory, ClosesAHandshakeThatIsNotAnsweredWhenTheServerCloses) {
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.closed(); });
    WebSocketPeer peer{stage(), "/ws/"};
    stage().settle();
    stage().close();
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.wait_for_close().code, 1001);
}

TEST_F(WebSocketInMemory, StopsATaskThatRunsWhileOpen) {
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
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    EXPECT_FALSE(stopped);
    peer.close_with(1000);
    stage().settle();
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(went_on);
}

TEST_F(WebSocketInMemory, PassesOnWhatATaskThrowsWhileOpen) {
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        const auto fail = []() -> Task<> {
            co_await sleep_for(1ms);
            throw std::runtime_error("no");
        };
        co_await while_open(socket, fail());
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    stage().advance(1ms);
    EXPECT_EQ(peer.wait_for_close().code, 1011);
}

// ---- recv()

TEST_F(WebSocketInMemory, RefusesASecondRecvWhileOneIsPending) {
    bool refused = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn([](WebSocket& lent, bool& flag) -> Task<> {
                co_await yield();
                try {
                    (void)co_await lent.recv();
                } catch (const std::logic_error&) {
                    flag = true;
                }
            }(socket, refused));
            EXPECT_EQ(*co_await socket.recv(), "mine");
        });
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    EXPECT_TRUE(refused);
    peer.send_message("mine");
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_F(WebSocketInMemory, LosesNoMessageWhenRecvTimesOut) {
    int timeouts = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        for (;;) {
            try {
                auto message = co_await with_timeout(1s, socket.recv());
                if (!message) {
                    co_return;
                }
                co_await socket.send(*message);
            } catch (const TimedOut&) {
                ++timeouts;
            }
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    stage().advance(2500ms);
    EXPECT_EQ(timeouts, 2);
    for (int i = 0; i < 50; ++i) {
        peer.send_message(std::to_string(i));
        stage().network().advance(100ms);  // so that timeouts and messages fall into one turn
    }
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(peer.recv(), std::to_string(i));
    }
}

// ---- Backpressure

TEST_F(WebSocketInMemory, StopsReadingWhenTheInboxIsFull) {
    bool go = false;
    std::size_t got = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        while (!go) {
            co_await sleep_for(1ms);
        }
        while (co_await socket.recv()) {
            ++got;
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    stage().network().conditions().receive_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    const std::string text(1000, 'x');
    for (int i = 0; i < 1000; ++i) {
        peer.send_message(text);
    }
    stage().settle();
    EXPECT_GT(peer.unsent(), 1'000'000 - limits.websocket.inbox_bytes - 3 * 10'000);
    go = true;
    stage().advance(1ms);
    EXPECT_EQ(got, 1000U);
    EXPECT_EQ(peer.unsent(), 0U);
}

TEST_F(WebSocketInMemory, DoesNotGiveUpAPeerThatItDoesNotRead) {
    std::size_t got = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await sleep_for(1h);
        while (co_await socket.recv()) {
            ++got;
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    for (int i = 0; i < 200; ++i) {
        peer.send_message(std::string(1000, 'x'));
    }
    stage().advance(1h);
    EXPECT_EQ(got, 200U);
    EXPECT_FALSE(peer.ended() || peer.failed());
}

TEST_F(WebSocketInMemory, MakesSendWaitWhileThePeerTakesNothing) {
    std::size_t sent = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        for (; sent < 1000; ++sent) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.stop_receiving();
    stage().settle();
    EXPECT_LT(sent, 200U);
    peer.start_receiving();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(peer.recv().size(), 1000U);
    }
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_F(WebSocketInMemory, WakesASendThatWaitsWhenThePeerIsLost) {
    bool closed = false;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        try {
            for (;;) {
                co_await socket.send(std::string(1000, 'x'));
            }
        } catch (const ConnectionClosed&) {
            closed = true;
            throw;
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.stop_receiving();
    stage().settle();
    EXPECT_FALSE(closed);
    peer.close();
    stage().settle();
    EXPECT_TRUE(closed);
    EXPECT_EQ(app.failures, 0);
    EXPECT_EQ(stage().server().count(), 0U);
}

TEST_F(WebSocketInMemory, StopsReadingFromAPeerThatDoesNotTakeTheAnswers) {
    serve(&echo);
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    std::size_t sent = 0;
    for (int i = 0; i < 20'000; ++i) {
        peer.send_frame(wire::Opcode::kPing, "12345678");
        sent += 14;
    }
    stage().settle();
    EXPECT_GT(peer.unsent(), sent / 2);
    peer.start_receiving();
    stage().settle();
    EXPECT_EQ(peer.pongs().size(), 20'000U);
}

TEST_F(WebSocketInMemory, ClosesAPeerThatStaysTooFarBehindWith1013) {
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    const auto send = [&](int count) {
        for (int i = 0; i < count; ++i) {
            handle->send(std::string(100'000, 'x'));
        }
        stage().settle();
    };
    send(20);  // 2 MB: over the limit, but only just now
    EXPECT_TRUE(app.closed.empty());
    stage().advance(limits.websocket.slow_time);
    send(1);
    EXPECT_TRUE(app.closed.empty());
    stage().advance(1ms);
    send(1);
    stage().advance(limits.websocket.close_time);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1013});
    EXPECT_EQ(stage().server().count(), 0U);
}

TEST_F(WebSocketInMemory, KeepsAPeerThatCatchesUp) {
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    for (int round = 0; round < 4; ++round) {
        peer.stop_receiving();
        for (int i = 0; i < 20; ++i) {
            handle->send(std::string(100'000, 'x'));
        }
        stage().advance(limits.websocket.slow_time - 1s);
        peer.start_receiving();
        stage().settle();
    }
    EXPECT_EQ(peer.waiting(), 80U);
    EXPECT_TRUE(peer.is_open());
}

TEST_F(WebSocketInMemory, ClosesAPeerThatIsFarTooFarBehindAtOnce) {
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    for (int i = 0; i < 17; ++i) {
        handle->send(std::string(1024 * 1024, 'x'));
    }
    stage().settle();
    handle->send("one more");
    stage().settle();
    peer.start_receiving();
    EXPECT_EQ(peer.wait_for_close().code, 1013);
    EXPECT_EQ(peer.waiting(), 16U);  // with their headers, more than 16 MB
}

// ---- Keepalive

TEST_F(WebSocketInMemory, PingsASilentPeerAndKeepsOneThatAnswers) {
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    stage().advance(10min);
    EXPECT_GE(peer.pings(), 20U);
    EXPECT_LE(peer.pings(), 30U);
    EXPECT_TRUE(peer.is_open());
}

TEST_F(WebSocketInMemory, DoesNotPingAPeerThatTalks) {
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    for (int i = 0; i < 60; ++i) {
        peer.send_message("x");
        stage().advance(10s);
    }
    EXPECT_EQ(peer.pings(), 0U);
}

TEST_F(WebSocketInMemory, GivesUpAPeerThatDoesNotAnswerPings) {
    serve(&echo);
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    peer.answer_nothing();
    stage().advance(limits.websocket.ping_interval + limits.websocket.ping_timeout - 1s);
    EXPECT_EQ(peer.pings(), 1U);
    EXPECT_EQ(stage().server().count(), 1U);
    stage().advance(4s);
    EXPECT_EQ(stage().server().count(), 0U);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1006});
}

TEST_F(WebSocketInMemory, GivesUpAPeerThatTakesNothing) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        for (;;) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.stop_receiving();
    stage().advance(2min);
    EXPECT_EQ(stage().server().count(), 0U);
}

TEST_F(WebSocketInMemory, KeepsAPeerThatTakesALittle) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        for (;;) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    stage().network().conditions().kernel_bytes = 10'000;
    stage().network().conditions().receive_bytes = 1000;
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer_nothing();
    for (int i = 0; i < 20; ++i) {
        peer.stop_receiving();
        stage().advance(15s);
        peer.start_receiving();
        stage().loop().turn();
    }
    peer.stop_receiving();
    EXPECT_EQ(stage().server().count(), 1U);
}

// ---- Handles

TEST_P(WebSocketOnEveryNetwork, TakesMessagesFromOtherThreadsInTheirOrder) {
    constexpr int kMessages = 300;
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    std::thread other{[to = *handle] {
        for (int i = 0; i < kMessages; ++i) {
            to.send(std::to_string(i));
        }
        to.close(4000, "done");
    }};
    stage().loop().backend().wake();
    while (peer.waiting() < kMessages) {
        stage().loop().turn();
    }
    other.join();
    for (int i = 0; i < kMessages; ++i) {
        EXPECT_EQ(peer.recv(), std::to_string(i));
    }
    EXPECT_EQ(peer.wait_for_close().code, 4000);
}

TEST_F(WebSocketInMemory, IgnoresHandlesOfConnectionsThatHaveGone) {
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        if (!handle) {
            handle = socket.handle();
        }
        while (co_await socket.recv()) {
        }
    });
    {
        WebSocketPeer first{stage(), "/ws/"};
        first.answer();
        first.close_with(1000);
        stage().settle();
    }
    stage().settle();
    EXPECT_EQ(stage().server().count(), 0U);
    WebSocketPeer second{stage(), "/ws/"};  // has the slot of the first
    second.answer();
    handle->send("for the first");
    handle->close();
    stage().settle();
    EXPECT_EQ(second.waiting(), 0U);
    EXPECT_TRUE(second.is_open());
    EXPECT_FALSE(Handle{}.send("to nobody"));
}

TEST(Handle, KnowsThatItsLoopHasGone) {
    ScriptedApplication app;
    std::optional<Handle> handle;
    app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        co_await socket.recv();
    };
    {
        Loop loop{make_network(Network::kMemory)};
        testkit::Stage stage{loop, app};
        WebSocketPeer peer{stage, "/ws/"};
        peer.answer();
    }
    EXPECT_FALSE(handle->send("hello?"));
    handle->close();
}

TEST_F(WebSocketInMemory, RefusesACloseThatMayNotBeSent) {  // RFC 6455, 7.4
    std::optional<Handle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        socket.accept();
        EXPECT_THROW(socket.close(1005), std::logic_error);
        EXPECT_THROW(socket.close(1000, "\xff"), std::logic_error);
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{stage(), "/ws/"};
    peer.answer();
    EXPECT_THROW(handle->close(1006), std::logic_error);
    EXPECT_THROW(handle->close(1000, "\xff"), std::logic_error);
    stage().settle();
    EXPECT_TRUE(peer.is_open());
}

}  // namespace
}  // namespace c10k
