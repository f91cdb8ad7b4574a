#include "connection/fixture.hpp"
#include "wire/response_writer.hpp"

#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, HttpOnEveryNetwork, every_network(), network_name);

Task<Response> say(std::string text) {
    co_await yield();
    co_return Response::text(std::move(text));
}

Task<Response> fail_later() {
    co_await yield();
    throw std::runtime_error("no");
}

TEST_P(HttpOnEveryNetwork, AnswersARequestAndKeepsTheConnection) {
    Peer peer{harness()};
    for (int i = 0; i < 2; ++i) {
        peer.send(kGet);
        const Response response = peer.take_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "hello");
        EXPECT_TRUE(response.headers.get("Date").has_value());
    }
    EXPECT_FALSE(peer.ended());
    EXPECT_EQ(harness().server().count(), 1U);
}

TEST_P(HttpOnEveryNetwork, TellsTheViewWhereARequestCameInAndHow) {
    app.on_request = [](Request& request) -> Application::Answer {
        return Response::text(request.local + " 1." + std::to_string(request.minor_version));
    };
    Peer peer{harness()};
    for (int i = 0; i < 2; ++i) {
        peer.send(kGet);
        EXPECT_EQ(peer.take_response().body, harness().address().text() + " 1.1");
    }
    peer.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, harness().address().text() + " 1.0");
}

TEST_P(HttpOnEveryNetwork, AnswersPipelinedRequestsInTheirOrder) {  // RFC 9112, 9.3.2
    app.on_request = [](Request& request) -> Application::Answer {
        if (request.path == "/slow") {
            return say("slow");
        }
        return Response::text(request.path);
    };
    Peer peer{harness()};
    peer.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    if (is_in_memory()) {
        harness().advance(1s);
    }
    for (const char* body : {"/1", "slow", "/2", "/3"}) {
        EXPECT_EQ(peer.take_response().body, body);
    }
}

TEST_P(HttpOnEveryNetwork, ClosesAfterTheAnswerWhenAskedTo) {  // RFC 9112, 9.6
    Peer peer{harness()};
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(peer.take_response().headers.get("Connection"), "close");
    peer.wait_for_end();
    EXPECT_TRUE(peer.ended());
    peer.close();
    wait_until_empty();
}

TEST_P(HttpOnEveryNetwork, ClosesAfterAnHttp10Request) {
    Peer peer{harness()};
    peer.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, "hello");
    peer.wait_for_end();
    EXPECT_TRUE(peer.ended());
}

// RFC 9110, 7.4: a request whose target names another scheme was not meant for this server.
TEST_P(HttpOnEveryNetwork, AnswersAnHttpsTargetThatCameByHttpWith421) {
    Peer peer{harness()};
    peer.send("POST https://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(peer.take_response().status, 421);
    peer.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().status, 200);
    peer.send(
        "GET https://a/ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    EXPECT_EQ(peer.take_response().status, 421);
}

TEST_P(HttpOnEveryNetwork, SendsNoBodyToHead) {  // RFC 9110, 9.3.2
    Peer peer{harness()};
    peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    const Response response = peer.take_response("HEAD");
    EXPECT_EQ(response.headers.get("Content-Length"), "5");
    peer.send(kGet);
    EXPECT_EQ(peer.take_response().body, "hello");  // had there been a body, this would begin with it
}

TEST_P(HttpOnEveryNetwork, SendsContinueToAClientThatWaitsWithItsBody) {  // RFC 9110, 10.1.1
    app.on_request = [](Request& request) { return Response::text(request.body); };
    Peer peer{harness()};
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(peer.take(wire::kContinue.size()), wire::kContinue);
    peer.send("body");
    EXPECT_EQ(peer.take_response().body, "body");
    peer.send(kGet);
    EXPECT_EQ(peer.take_response().status, 200);
}

TEST_P(HttpOnEveryNetwork, AnswersABadRequestAndCloses) {
    Peer peer{harness()};
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n");
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.headers.get("Connection"), "close");
    peer.wait_for_end();
    EXPECT_TRUE(peer.ended());
}

TEST_P(HttpOnEveryNetwork, ReadsOnAfterABadRequestSoThatItsAnswerArrives) {  // RFC 9112, 9.6: no reset
    Peer peer{harness()};
    peer.send("nonsense\r\n\r\n" + std::string(10000, 'x'));
    peer.wait_for_end();
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(peer.take_response().status, 400);
}

TEST_P(HttpOnEveryNetwork, TurnsAnExceptionOfAViewInto500) {
    app.on_request = [](Request&) -> Application::Answer { return fail_later(); };
    Peer peer{harness()};
    peer.send(kGet);
    if (is_in_memory()) {
        harness().advance(1s);
    }
    EXPECT_EQ(peer.take_response().status, 500);
    EXPECT_EQ(app.failures, 1);
    app.on_request = [](Request&) { return Response::text("well"); };
    peer.send(kGet);
    EXPECT_EQ(peer.take_response().body, "well");
}

TEST_P(HttpOnEveryNetwork, NeverSendsAHeaderThatEndsALine) {  // response splitting
    app.on_request = [](Request&) { return Response::redirect("/\r\nSet-Cookie: a=b"); };
    Peer peer{harness()};
    peer.send(kGet);
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 500);
    EXPECT_FALSE(response.headers.get("Set-Cookie").has_value());
    EXPECT_EQ(app.statuses, std::vector<int>{500});
}

TEST_P(HttpOnEveryNetwork, AnswersAClientThatHasFinishedSending) {  // half-closed
    app.on_request = [](Request& request) -> Application::Answer {
        if (request.path == "/slow") {
            return say("slow");
        }
        return Response::text(request.path);
    };
    Peer peer{harness()};
    peer.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.shutdown_write();
    if (is_in_memory()) {
        harness().advance(1s);
    }
    EXPECT_EQ(peer.take_response().body, "slow");
    EXPECT_EQ(peer.take_response().body, "/2");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
}

TEST_P(HttpOnEveryNetwork, SurvivesAPeerThatVanishesWhileItsViewRuns) {
    app.on_request = [](Request&) -> Application::Answer { return say("to nobody"); };
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until([this] { return harness().server().count() == 1; }, "the connection");
    peer.close();
    if (is_in_memory()) {
        harness().advance(5s);
    }
    wait_until_empty();
}

TEST_P(HttpOnEveryNetwork, AnswersWhatCameBeforeAHandshake) {  // pipelined, RFC 9112, 9.3.2
    serve([](WebSocket& socket, auto) -> Task<> { co_await socket.send("hi"); });
    Peer peer{harness()};
    wire::HandshakeRequest handshake{.host = "a", .target = "/ws/"};
    peer.send(std::string{kGet} + wire::to_bytes(handshake));
    EXPECT_EQ(peer.take_response().body, "hello");
    EXPECT_EQ(peer.take_response().status, 101);
    EXPECT_EQ(peer.take(4), "\x81\x02hi");
}

TEST_P(HttpOnEveryNetwork, ClosesIdleConnectionsWhenTheServerCloses) {
    Peer peer{harness()};
    peer.send(kGet);
    peer.take_response();
    harness().close();
    peer.wait_for_end();
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_P(HttpOnEveryNetwork, LetsARequestThatRunsFinishWhenTheServerCloses) {
    Gate gate;
    bool runs = false;
    app.on_request = [&](Request&) -> Application::Answer {
        return [](Gate& to_pass, bool& started) -> Task<Response> {
            started = true;
            co_await to_pass.wait();
            co_return Response::text("last");
        }(gate, runs);
    };
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until([&runs] { return runs; }, "the view");
    const auto close_and_open = [](Server& server, Gate& to_open) -> Task<> {
        co_await task_group([&server, &to_open](TaskGroup& group) -> Task<> {
            group.spawn(server.close());
            co_await yield();  // it has begun, and waits for the view
            to_open.open();
        });
    };
    harness().run(close_and_open(harness().server(), gate));
    const Response response = peer.take_response();
    EXPECT_EQ(response.body, "last");
    EXPECT_EQ(response.headers.get("Connection"), "close");
}

TEST_P(HttpOnEveryNetwork, AnswersOnceMoreWhileTheServerHasAGrace) {
    Peer peer{harness()};
    peer.send(kGet);
    EXPECT_EQ(peer.take_response().headers.get("Connection"), std::nullopt);
    const auto close_and_ask = [](Server& server, Peer& asking) -> Task<> {
        co_await task_group([&server, &asking](TaskGroup& group) -> Task<> {
            group.spawn(server.close({.grace = 1min}));
            co_await yield();
            asking.send(kGet);
        });
    };
    harness().run(close_and_ask(harness().server(), peer));  // it is over when that is answered
    EXPECT_EQ(peer.take_response().headers.get("Connection"), "close");
}

// ---- By the clock

TEST_F(InMemory, RefusesAHeadThatDoesNotArriveInTime) {  // RFC 9110, 15.5.9
    Peer peer{harness()};
    peer.send("GET / HT");
    harness().advance(limits.head_time - 1ms);
    EXPECT_EQ(peer.received(), "");
    harness().advance(1ms);
    EXPECT_EQ(peer.take_response().status, 408);
    peer.wait_for_end();
}

TEST_F(InMemory, DoesNotMoveTheHeadsDeadlineForAByteNowAndThen) {
    Peer peer{harness()};
    for (int i = 0; i < 9; ++i) {
        peer.send("G");
        harness().advance(1s);
    }
    peer.send("G");
    harness().advance(1s);
    EXPECT_EQ(peer.take_response().status, 408);
}

TEST_F(InMemory, RefusesABodyThatDoesNotArriveInTime) {
    Peer peer{harness()};
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    for (auto time = 1ms; time < limits.body_time; time += 1s) {
        peer.send(std::string(limits.min_body_rate + 100, 'x'));
        harness().advance(time == 1ms ? 999ms : 1s);
        EXPECT_EQ(peer.received(), "");
    }
    harness().advance(1ms);
    EXPECT_EQ(peer.take_response().status, 408);
    EXPECT_EQ(harness().server().counters().strikes(Limit::kBodyTime), 1U);
}

TEST_F(InMemory, RefusesABodyThatIsSlowerThanTheLeastRate) {
    Peer peer{harness()};
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    peer.send(std::string(limits.min_body_rate * 7, 'x'));  // enough for seven seconds
    harness().advance(7s);
    EXPECT_EQ(peer.received(), "");
    harness().advance(1s);
    EXPECT_EQ(peer.take_response().status, 408);
    EXPECT_EQ(harness().server().counters().strikes(Limit::kMinBodyRate), 1U);
}

TEST_F(ConnectionTest, LetsABodyBeAsSlowAsItsTimeAllowsIfThereIsNoLeastRate) {
    limits.min_body_rate = 0;
    start(Network::kMemory);
    Peer peer{harness()};
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    harness().advance(limits.body_time - 1ms);
    peer.send("x");
    EXPECT_EQ(peer.take_response().status, 200);
}

TEST_F(InMemory, GivesABodyAGraceBeforeItsRateCounts) {
    Peer peer{harness()};
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n");
    harness().advance(limits.body_grace - 1ms);
    peer.send(std::string(3000, 'x'));
    EXPECT_EQ(peer.take_response().status, 200);
}

TEST_F(InMemory, EndsASilentConnectionWithoutAnAnswer) {
    Peer peer{harness()};
    harness().advance(limits.head_time);
    peer.wait_for_end();
    EXPECT_EQ(peer.received(), "");
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, EndsAConnectionThatIsIdleBetweenRequests) {
    Peer peer{harness()};
    peer.send(kGet);
    peer.take_response();
    harness().advance(limits.idle_time - 1ms);
    EXPECT_FALSE(peer.ended());
    harness().advance(1ms);
    EXPECT_TRUE(peer.ended());
}

TEST_F(InMemory, EndsAConnectionWhosePeerTakesNothingOfAnAnswer) {
    app.on_request = [](Request&) { return Response::text(std::string(3'000'000, 'x')); };
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().advance(limits.write_time - 1ms);
    EXPECT_EQ(harness().server().count(), 1U);
    harness().advance(1ms);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, GivesASlowReaderThatReadsItsTime) {
    app.on_request = [](Request&) { return Response::text(std::string(3'000'000, 'x')); };
    harness().network().faults().kernel_bytes = 1'000'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    for (int i = 0; i < 3; ++i) {
        harness().advance(limits.write_time - 1s);
        peer.start_receiving();
        harness().loop().turn();
        peer.stop_receiving();
    }
    peer.start_receiving();
    EXPECT_EQ(peer.take_response().body.size(), 3'000'000U);
}

TEST_F(InMemory, StopsReadingFromAPeerThatAsksAndDoesNotTakeTheAnswers) {
    app.on_request = [](Request&) { return Response::text(std::string(10'000, 'x')); };
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    for (int i = 0; i < 300; ++i) {
        peer.send("GET / HTTP/1.1\r\nHost: a\r\nPadding: " + std::string(500, 'x') + "\r\n\r\n");
        harness().run_until_idle();
    }
    EXPECT_LT(app.statuses.size(), 30U);
    EXPECT_GT(peer.unsent(), 100'000U);
    peer.start_receiving();
    for (int i = 0; i < 300; ++i) {
        ASSERT_EQ(peer.take_response().body.size(), 10'000U);
    }
}

TEST_F(InMemory, ThrowsAwayWhatComesAfterTheLastAnswerForAWhile) {
    Peer peer{harness()};
    peer.stay();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(peer.take_response().status, 200);
    for (int i = 0; i < 10; ++i) {
        peer.send("more");
        harness().advance(1ms);
    }
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(harness().server().count(), 1U);
    harness().advance(2s);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, GoesOnAcceptingAfterDescriptorsHaveRunOut) {
    harness().network().injector().fail_accepts(2);
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until_idle();
    EXPECT_EQ(peer.received(), "");
    harness().advance(1s);
    EXPECT_EQ(peer.take_response().status, 200);
}

TEST_F(InMemory, CutsAViewThatDoesNotEndWhenTheServerCloses) {
    app.on_request = [](Request&) -> Application::Answer {
        return [](std::string text) -> Task<Response> {
            co_await sleep_for(10h);
            co_return Response::text(text);
        }("never");
    };
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until_idle();
    harness().close();
    EXPECT_EQ(harness().server().count(), 0U);
    peer.wait_for_end();
    EXPECT_EQ(peer.received(), "");
}

}  // namespace
}  // namespace c10k
