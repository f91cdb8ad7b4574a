#include "connection/fixture.hpp"

#include <stdexcept>
#include <thread>
#include <type_traits>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

class WebSocketHandleOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, WebSocketHandleOnEveryNetwork, every_network(), network_name);

class WebSocketHandleInMemory : public InMemory {};

TEST_P(WebSocketHandleOnEveryNetwork, TakesMessagesFromOtherThreadsInTheirOrder) {
    constexpr int kMessages = 300;
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    EXPECT_EQ(peer.answer().status, 101);
    std::thread other{[to = *handle] {
        for (int i = 0; i < kMessages; ++i) {
            to.send(std::to_string(i));
        }
        to.close(4000, "done");
    }};
    harness().loop().backend().wake();
    while (peer.waiting() < kMessages) {
        harness().loop().turn();
    }
    other.join();
    for (int i = 0; i < kMessages; ++i) {
        EXPECT_EQ(peer.recv(), std::to_string(i));
    }
    EXPECT_EQ(peer.wait_for_close().code, 4000);
}

TEST_F(WebSocketHandleInMemory, IgnoresHandlesOfConnectionsThatHaveGone) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        if (!handle) {
            handle = socket.handle();
        }
        while (co_await socket.recv()) {
        }
    });
    {
        WebSocketPeer first{harness(), "/ws/"};
        first.answer();
        first.close_with(1000);
        harness().run_until_idle();
    }
    harness().run_until_idle();
    EXPECT_EQ(harness().server().count(), 0U);
    WebSocketPeer second{harness(), "/ws/"};  // has the slot of the first
    second.answer();
    EXPECT_FALSE(handle->send("for the first"));
    handle->close();
    harness().run_until_idle();
    EXPECT_EQ(second.waiting(), 0U);
    EXPECT_TRUE(second.is_open());
    EXPECT_FALSE(WebSocketHandle{}.send("to nobody"));
    WebSocketHandle{}.close();
}

// From the moment at which either side closes. Another thread has no way to know.
TEST_F(WebSocketHandleInMemory, SaysOnItsOwnLoopThatTheConnectionIsClosed) {
    for (const bool peer_closes : {false, true}) {
        std::optional<WebSocketHandle> handle;
        serve([&](WebSocket& socket, Captured) -> Task<> {
            handle = socket.handle();
            while (co_await socket.recv()) {
            }
        });
        WebSocketPeer peer{harness(), "/ws/"};
        peer.answer();
        EXPECT_TRUE(handle->send("while it is open"));
        EXPECT_EQ(peer.recv(), "while it is open");
        if (peer_closes) {
            peer.close_with(1000);
            harness().run_until_idle();
        } else {
            handle->close(4000);
            EXPECT_TRUE(handle->send("before its loop has done that"));
            peer.answer_nothing();
            harness().run_until_idle();
        }
        EXPECT_FALSE(handle->send("too late"));
        std::thread{[to = *handle] { EXPECT_TRUE(to.send("too late")); }}.join();
        harness().run_until_idle();
        EXPECT_EQ(peer.waiting(), 0U);
    }
}

TEST_F(WebSocketHandleInMemory, SendsNoMoreThanItsLoopHasRoomFor) {
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    harness().loop().job_queue()->limit(1000);
    EXPECT_TRUE(handle->send(std::string(600, 'a')));
    EXPECT_FALSE(handle->send(std::string(600, 'b')));
    EXPECT_TRUE(handle->send("c"));
    EXPECT_EQ(peer.recv(), std::string(600, 'a'));
    EXPECT_EQ(peer.recv(), "c");
    EXPECT_TRUE(handle->send(std::string(5000, 'd')));  // alone
    EXPECT_EQ(peer.recv(), std::string(5000, 'd'));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static_assert(std::is_same_v<Handle, WebSocketHandle>, "programs that say Handle still compile");
#pragma GCC diagnostic pop

TEST(WebSocketHandle, KnowsThatItsLoopHasGone) {
    ScriptedApplication app;
    std::optional<WebSocketHandle> handle;
    app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        co_await socket.recv();
    };
    {
        Loop loop{make_memory(Network::kMemory)};
        testkit::Harness harness{loop, app};
        WebSocketPeer peer{harness, "/ws/"};
        peer.answer();
    }
    EXPECT_FALSE(handle->send("hello?"));
    handle->close();
}

TEST_F(WebSocketHandleInMemory, RefusesACloseThatMayNotBeSent) {  // RFC 6455, 7.4
    std::optional<WebSocketHandle> handle;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        handle = socket.handle();
        socket.accept();
        EXPECT_THROW(socket.close(1005), std::logic_error);
        EXPECT_THROW(socket.close(1000, "\xff"), std::logic_error);
        while (co_await socket.recv()) {
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    EXPECT_THROW(handle->close(1006), std::logic_error);
    EXPECT_THROW(handle->close(1000, "\xff"), std::logic_error);
    harness().run_until_idle();
    EXPECT_TRUE(peer.is_open());
}

}  // namespace
}  // namespace c10k
