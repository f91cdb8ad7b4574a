// Every call into the network fails once, at every step of a connection's life (row 71): one run for each call.

#include "c10k/body_reader.hpp"
#include "connection/fixture.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;
using testkit::WebSocketPeer;

// In memory, where the number of a call is always the same.
class FailingCalls : public ConnectionTest, public testing::WithParamInterface<Network> {
protected:
    // Plays the scenario again and again, each time with the next call failing, until no call is left to fail.
    void fail_each_call(const std::function<void()>& scenario) {
        constexpr std::size_t kMost = 1000;
        std::size_t failing = 0;
        for (bool has_failed = true; has_failed && !HasFailure(); ++failing) {
            SCOPED_TRACE("call " + std::to_string(failing) + " fails");
            app.opened.clear();
            app.closed.clear();
            start(GetParam());
            harness().network().injector().fail_call_after(failing);
            try {
                scenario();
            } catch (const testkit::NothingCame&) {  // a peer that waited on the connection that broke
            }
            harness().close();
            harness().run_until_idle();
            has_failed = harness().network().injector().has_failed_call();
            EXPECT_EQ(harness().server().count(), 0U);
            EXPECT_EQ(app.opened.size(), app.closed.size()) << "an end was told twice, or not at all";
            ASSERT_LT(failing, kMost);
        }
        EXPECT_GT(failing, 1U) << "the scenario has nothing that could fail";
    }
    void advance(std::chrono::milliseconds time) { harness().advance(time); }
};

INSTANTIATE_TEST_SUITE_P(Networks, FailingCalls,
                         testing::Values(Network::kMemory, Network::kByteByByte, Network::kLateAnswers, Network::kTls,
                                         Network::kTlsAtOnce),
                         network_name);

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kLastGet = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

Task<Response> view_that_waits() {
    co_await sleep_for(50ms);
    co_return Response::text("late");
}
Application::Answer answer_late(Request&) { return view_that_waits(); }

Task<> echo_three_times(WebSocket& socket, std::span<const std::string_view>) {
    for (int i = 0; i < 3; ++i) {
        const auto message = co_await socket.recv();
        if (!message) {
            co_return;
        }
        co_await socket.send(*message);
    }
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileRequestsAreAnswered) {
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send(kGet);
        (void)peer.take_response();
        peer.send(kLastGet);
        (void)peer.take_response();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileAViewWaits) {
    app.on_request = &answer_late;
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send(kLastGet);
        advance(60ms);
        (void)peer.take_response();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhenThePeerIsGoneBeforeTheAnswer) {
    app.on_request = &answer_late;
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send(kLastGet);
        harness().run_until_idle();
        harness().network().reset(peer.socket());
        advance(60ms);
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileABodyIsStreamed) {
    app.on_request = [](Request&) -> Application::Answer {
        return Response::stream("text/plain", [](BodyWriter& body) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                co_await body.write("a piece");
                co_await sleep_for(1ms);
            }
        });
    };
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send(kLastGet);
        advance(10ms);
        (void)peer.take_response();
        peer.wait_for_end();
    });
}

Task<Response> read_body(BodyReader& body) {
    std::size_t size = 0;
    for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
        size += piece.size();
        co_await sleep_for(1ms);
    }
    co_return Response::text(std::to_string(size));
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileAViewReadsTheBody) {
    limits.body_buffer_bytes = 10;
    app.on_head = [](const Request&) { return true; };
    app.on_request = [](Request& request) -> Application::Answer { return read_body(*request.body_reader); };
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n");
        (void)peer.take(25);  // 100 Continue
        peer.send(std::string(20, 'x'));
        advance(30ms);
        peer.send(std::string(20, 'x'));
        advance(30ms);
        (void)peer.take_response();
        peer.send(kLastGet);
        (void)peer.take_response();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileABodyIsSkippedOrTooLong) {
    app.on_head = [](const Request&) { return true; };
    fail_each_call([this] {
        for (const char* length : {"10", "1000000"}) {
            Peer peer{harness()};
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::string{length} + "\r\n\r\nhello");
            (void)peer.take_response();
            peer.send("there");
            peer.shutdown_write();
            peer.wait_for_end();
        }
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhenThePeerIsGoneInTheMiddleOfItsBody) {
    app.on_head = [](const Request&) { return true; };
    app.on_request = [](Request& request) -> Application::Answer { return read_body(*request.body_reader); };
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nhello");
        advance(10ms);
        harness().network().reset(peer.socket());
        advance(10ms);
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionWhileARequestIsRefused) {
    fail_each_call([this] {
        Peer peer{harness()};
        peer.send("nonsense\r\n\r\n");
        (void)peer.take_response();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhenTheServerCloses) {
    serve(&echo_three_times);
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        for (int i = 0; i < 3; ++i) {
            peer.send_message("hello");
            (void)peer.recv();
        }
        peer.wait_for_close();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhenThePeerAnswersTheCloseAndIsGone) {
    serve(&echo_three_times);
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        (void)peer.answer();
        peer.answer_nothing();
        for (int i = 0; i < 3; ++i) {
            peer.send_message("hello");
            (void)peer.recv();
        }
        harness().run_until_idle();                         // the server's close frame has come
        peer.send_frame(wire::Opcode::kClose, "\x03\xE8");  // 1000
        harness().network().reset(peer.socket());           // before the server has sent its FIN
        harness().run_until_idle();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhenThePeerCloses) {
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        while (auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    });
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        peer.send_message("hello");
        (void)peer.recv();
        peer.close_with(1000);
        peer.wait_for_close();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhenThePeerBreaksTheProtocol) {
    serve(&echo_three_times);
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        peer.send_message("hello");
        (void)peer.recv();
        peer.send("\xFF\xFF\xFF\xFF");
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhenTheViewRefuses) {
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        socket.refuse(403, "no");
        co_return;
    });
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        (void)peer.answer();
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirWebSocketWhilePingsAreSent) {
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.closed(); });
    fail_each_call([this] {
        WebSocketPeer peer{harness(), "/ws/"};
        (void)peer.answer();
        advance(2 * std::chrono::milliseconds{limits.ping_interval});
        peer.close_with(1000);
        peer.wait_for_end();
    });
}

TEST_P(FailingCalls, Row71EndOnlyTheirConnectionsWhenTheServerEnds) {
    serve(&echo_three_times);
    fail_each_call([this] {
        WebSocketPeer first{harness(), "/ws/"};
        WebSocketPeer second{harness(), "/ws/"};
        Peer idle{harness()};
        idle.send(kGet);
        (void)idle.take_response();
        (void)first.answer();
        (void)second.answer();
        harness().close();
    });
}

}  // namespace
}  // namespace c10k
