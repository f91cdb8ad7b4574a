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

class WebSocketFlowInMemory : public InMemory {};

// ---- deliver()

class WithASmallSlowLimit : public ConnectionTest {
protected:
    void SetUp() override {
        limits.outbox_bytes = 1000;
        limits.slow_bytes = 10'000;
        limits.slow_limit_bytes = 50'000;
        start(Network::kMemory);
    }
};

TEST_F(WithASmallSlowLimit, DeliversWithoutWaitingUntilThePeerIsTooFarBehind) {
    int delivered = 0;
    std::optional<bool> was_full;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        EXPECT_FALSE(socket.is_full());
        while (socket.deliver(Message{std::string(1000, 'x')})) {
            ++delivered;
        }
        was_full = !socket.is_open();
        co_return;
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    for (int i = 0; i < delivered; ++i) {
        EXPECT_EQ(peer.recv().size(), 1000U);
    }
    EXPECT_EQ(peer.wait_for_close().code, 1013);
    EXPECT_NEAR(delivered, 50, 1);  // messages of a thousand bytes
    EXPECT_EQ(was_full, true);
}

// ---- recv()

TEST_F(WebSocketFlowInMemory, RefusesASecondRecvWhileOneIsPending) {
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
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    EXPECT_TRUE(refused);
    peer.send_message("mine");
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_F(WebSocketFlowInMemory, LosesNoMessageWhenRecvTimesOut) {
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
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().advance(2500ms);
    EXPECT_EQ(timeouts, 2);
    for (int i = 0; i < 50; ++i) {
        peer.send_message(std::to_string(i));
        harness().network().advance(100ms);  // so that timeouts and messages fall into one turn
    }
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(peer.recv(), std::to_string(i));
    }
}

// ---- Stop

// Notes in `log` how a wait ends that a task begins after it was stopped.
template <typename Wait>
Task<> wait_when_stopped(std::vector<std::string>& log, const Wait& wait) {
    try {
        co_await sleep_for(1h);
    } catch (const Stopped&) {
        log.emplace_back("stopped");
    }
    try {
        co_await wait();
    } catch (const Stopped&) {
        log.emplace_back("stopped again");
    }
}

TEST_F(WebSocketFlowInMemory, LetsNobodyBeginToWaitWhoIsStopped) {
    std::vector<std::string> log;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        const auto receive = [&socket]() -> Task<> { (void)co_await socket.recv(); };
        const auto send = [&socket]() -> Task<> { co_await socket.send("x"); };
        const auto closed = [&socket]() -> Task<> { co_await socket.closed(); };
        static_cast<void>(socket.send(std::string(limits.outbox_bytes + 20'000, 'x')));
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(wait_when_stopped(log, receive));
            group.spawn(wait_when_stopped(log, send));
            group.spawn(wait_when_stopped(log, closed));
            co_await yield();
            group.stop();
        });
        log.emplace_back("done");
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stop_receiving();
    harness().run_until_idle();
    EXPECT_EQ(log, (std::vector<std::string>{"stopped", "stopped again", "stopped", "stopped again", "stopped",
                                             "stopped again", "done"}));
}

TEST_F(WebSocketFlowInMemory, StopsTheFirstOfThoseWhoWait) {
    int stopped = 0;
    int sent = 0;
    int closed = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        static_cast<void>(socket.send(std::string(limits.outbox_bytes + 20'000, 'x')));
        const auto send = [&]() -> Task<> {
            co_await socket.send("x");
            ++sent;
        };
        const auto wait = [&]() -> Task<> {
            co_await socket.closed();
            ++closed;
        };
        const auto both = [&](TaskGroup& group) -> Task<> {
            group.spawn(send());
            group.spawn(wait());
            co_return;
        };
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn([](auto& tasks, int& count) -> Task<> {
                try {
                    co_await with_timeout(1s, task_group(tasks));
                } catch (const TimedOut&) {
                    ++count;
                }
            }(both, stopped));
            co_await sleep_for(1ms);  // they wait
            co_await both(group);
        });
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stop_receiving();
    harness().advance(2s);
    EXPECT_EQ(stopped, 1);
    EXPECT_EQ(sent, 0);
    peer.start_receiving();
    harness().run_until_idle();
    EXPECT_EQ(sent, 1);
    peer.close_with(1000);
    harness().run_until_idle();
    EXPECT_EQ(closed, 1);
}

// ---- Backpressure

TEST_F(WebSocketFlowInMemory, StopsReadingWhenTheInboxIsFull) {
    Gate gate;
    std::size_t got = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await gate.wait();
        while (co_await socket.recv()) {
            ++got;
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    harness().network().faults().read_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    const std::string text(1000, 'x');
    for (int i = 0; i < 1000; ++i) {
        peer.send_message(text);
    }
    harness().run_until_idle();
    EXPECT_GT(peer.unsent(), 1'000'000 - limits.inbox_bytes - 3 * 10'000);
    gate.open();
    harness().advance(1ms);
    EXPECT_EQ(got, 1000U);
    EXPECT_EQ(peer.unsent(), 0U);
}

TEST_F(WebSocketFlowInMemory, DoesNotGiveUpAPeerThatItDoesNotRead) {
    std::size_t got = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await sleep_for(1h);
        while (co_await socket.recv()) {
            ++got;
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    for (int i = 0; i < 200; ++i) {
        peer.send_message(std::string(1000, 'x'));
    }
    harness().advance(1h);
    EXPECT_EQ(got, 200U);
    EXPECT_FALSE(peer.ended() || peer.failed());
}

TEST_F(WebSocketFlowInMemory, MakesSendWaitWhileThePeerTakesNothing) {
    std::size_t sent = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        for (; sent < 1000; ++sent) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stop_receiving();
    harness().run_until_idle();
    EXPECT_LT(sent, 200U);
    peer.start_receiving();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(peer.recv().size(), 1000U);
    }
    EXPECT_EQ(peer.wait_for_close().code, 1000);
}

TEST_F(WebSocketFlowInMemory, WakesASendThatWaitsWhenThePeerIsLost) {
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
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stop_receiving();
    harness().run_until_idle();
    EXPECT_FALSE(closed);
    peer.close();
    harness().run_until_idle();
    EXPECT_TRUE(closed);
    EXPECT_EQ(app.failures, 0);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketFlowInMemory, StopsReadingFromAPeerThatDoesNotTakeTheAnswers) {
    serve(&echo);
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    std::size_t sent = 0;
    for (int i = 0; i < 20'000; ++i) {
        peer.send_frame(wire::Opcode::kPing, "12345678");
        sent += 14;
    }
    harness().run_until_idle();
    EXPECT_GT(peer.unsent(), sent / 2);
    peer.start_receiving();
    harness().run_until_idle();
    EXPECT_EQ(peer.pongs().size(), 20'000U);
}

TEST_F(WebSocketFlowInMemory, ClosesAPeerThatStaysTooFarBehindWith1013) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    const auto send = [&](int count) {
        for (int i = 0; i < count; ++i) {
            handle->send(std::string(100'000, 'x'));
        }
        harness().run_until_idle();
    };
    send(20);  // 2 MB: over the limit, but only just now
    EXPECT_TRUE(app.closed.empty());
    harness().advance(limits.slow_time);
    send(1);
    EXPECT_TRUE(app.closed.empty());
    harness().advance(1ms);
    send(1);
    harness().advance(limits.close_time);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1013});
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketFlowInMemory, KeepsAPeerThatCatchesUp) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    for (int round = 0; round < 4; ++round) {
        peer.stop_receiving();
        for (int i = 0; i < 20; ++i) {
            handle->send(std::string(100'000, 'x'));
        }
        harness().advance(limits.slow_time - 1s);
        peer.start_receiving();
        harness().run_until_idle();
    }
    EXPECT_EQ(peer.waiting(), 80U);
    EXPECT_TRUE(peer.is_open());
}

TEST_F(WebSocketFlowInMemory, ClosesAPeerThatIsFarTooFarBehindAtOnce) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.stop_receiving();
    for (int i = 0; i < 17; ++i) {
        handle->send(std::string(1024 * 1024, 'x'));
    }
    harness().run_until_idle();
    handle->send("one more");
    harness().run_until_idle();
    peer.start_receiving();
    EXPECT_EQ(peer.wait_for_close().code, 1013);
    EXPECT_EQ(peer.waiting(), 16U);  // with their headers, more than 16 MB
}

// ---- Keepalive

TEST_F(WebSocketFlowInMemory, PingsASilentPeerAndKeepsOneThatAnswers) {
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().advance(10min);
    EXPECT_GE(peer.pings(), 20U);
    EXPECT_LE(peer.pings(), 30U);
    EXPECT_TRUE(peer.is_open());
}

TEST_F(WebSocketFlowInMemory, DoesNotPingAPeerThatTalks) {
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    for (int i = 0; i < 60; ++i) {
        peer.send_message("x");
        harness().advance(10s);
    }
    EXPECT_EQ(peer.pings(), 0U);
}

TEST_F(WebSocketFlowInMemory, GivesUpAPeerThatDoesNotAnswerPings) {
    serve(&echo);
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.answer_nothing();
    harness().advance(limits.ping_interval + limits.ping_timeout - 1s);
    EXPECT_EQ(peer.pings(), 1U);
    EXPECT_EQ(harness().server().count(), 1U);
    harness().advance(4s);
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1006});
}

TEST_F(WebSocketFlowInMemory, GivesUpAPeerThatTakesNothing) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        for (;;) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.stop_receiving();
    harness().advance(2min);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(WebSocketFlowInMemory, KeepsAPeerThatTakesALittle) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        for (;;) {
            co_await socket.send(std::string(1000, 'x'));
        }
    });
    harness().network().faults().kernel_bytes = 10'000;
    harness().network().faults().read_bytes = 1000;
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer_nothing();
    for (int i = 0; i < 20; ++i) {
        peer.stop_receiving();
        harness().advance(15s);
        peer.start_receiving();
        harness().loop().turn();
    }
    peer.stop_receiving();
    EXPECT_EQ(harness().server().count(), 1U);
}

}  // namespace
}  // namespace c10k
