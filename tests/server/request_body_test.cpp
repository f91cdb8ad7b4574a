// Views that read the body of their request while it arrives.

#include "c10k/body_reader.hpp"
#include "connection/fixture.hpp"
#include "wire/http2_frame.hpp"
#include "wire/response_writer.hpp"

#include <cstdio>
#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;

// How an upload fares.
struct Upload {
    std::string body;
    int reads = 0;
    int status = 0;  // of the BodyError
    bool is_whole = false;
    bool is_stopped = false;
};

Task<> read_to_end(BodyReader& body, Upload& upload) {
    try {
        for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
            ++upload.reads;
            upload.body += piece;
        }
        upload.is_whole = true;
    } catch (const BodyError& error) {
        upload.status = error.status();
        throw;
    } catch (const Stopped&) {
        upload.is_stopped = true;
        throw;
    }
}

Task<Response> store(BodyReader& body, Upload& upload) {
    co_await read_to_end(body, upload);
    co_return Response::text(std::to_string(upload.body.size()));
}

Task<Response> store_behind(Gate& gate, BodyReader& body, Upload& upload) {
    co_await gate.wait();
    co_return co_await store(body, upload);
}

Task<Response> wait_for_ever(Upload& upload) {
    try {
        co_await sleep_for(24h);
    } catch (const Stopped&) {
        upload.is_stopped = true;
        throw;
    }
    co_return Response::text("never");
}

std::string chunk(std::string_view data) {
    std::string bytes = wire::chunk_head(data.size());
    bytes += data;
    bytes += wire::kChunkEnd;
    return bytes;
}

std::string post(std::string_view fields, std::string_view path = "/") {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n\r\n";
}

std::string post_of(std::size_t length, std::string_view fields = "") {
    return post(std::string{fields} + "Content-Length: " + std::to_string(length));
}

constexpr std::string_view kChunked = "Transfer-Encoding: chunked";
constexpr std::string_view kExpect = "Expect: 100-continue\r\n";

// Bytes that differ from place to place.
std::string some_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>('a' + (i + i / 251) % 26);
    }
    return bytes;
}

class RequestBodies : public OnEveryNetwork {
protected:
    void SetUp() override {
        OnEveryNetwork::SetUp();
        app.on_head = [](const Request&) { return true; };
        app.on_request = [this](Request& request) -> Application::Answer { return view(request); };
    }
    // Posts are stored; all else has its path for an answer.
    Application::Answer view(Request& request) {
        if (request.method == "POST") {
            return store(*request.body_reader, upload);
        }
        return Response::text(request.path);
    }
    void wait_for(std::string_view body) {
        harness().run_until([&] { return upload.body == body; }, "a part of the body");
    }

    Upload upload;
};
INSTANTIATE_TEST_SUITE_P(Networks, RequestBodies, every_network(), network_name);

// ---- Arriving

TEST_P(RequestBodies, AreReadPieceByPieceWhileTheyArrive) {
    for (const bool is_chunked : {false, true}) {
        upload = {};
        const auto framed = [is_chunked](std::string_view data) {
            return is_chunked ? chunk(data) : std::string{data};
        };
        Peer peer{harness()};
        peer.send(is_chunked ? post(kChunked) : post_of(11));
        peer.send(framed("hello"));
        wait_for("hello");
        EXPECT_FALSE(upload.is_whole);
        peer.send(framed(" there") + (is_chunked ? "0\r\nTrailer: dropped\r\n\r\n" : ""));
        EXPECT_EQ(peer.take_response().body, "11");
        EXPECT_EQ(upload.body, "hello there");
        EXPECT_TRUE(upload.is_whole);
        EXPECT_FALSE(peer.ended());
    }
    EXPECT_EQ(app.statuses, (std::vector<int>{200, 200}));
}

TEST_P(RequestBodies, LeaveTheConnectionForTheNextRequests) {  // RFC 9112, 9.3.2
    Peer peer{harness()};
    peer.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + post_of(5) + "hello" + post(kChunked) + chunk("abc") +
              "0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, "/1");
    EXPECT_EQ(peer.take_response().body, "5");
    EXPECT_EQ(peer.take_response().body, "8");  // with the first one
    EXPECT_EQ(peer.take_response().body, "/2");
    EXPECT_EQ(upload.body, "helloabc");
}

TEST_P(RequestBodies, MayBeLargerThanTheServerHolds) {
    const std::size_t size = is_byte_by_byte(GetParam()) ? 100'000 : 3 * limits.max_body_bytes;
    const std::string bytes = some_bytes(size);
    for (const bool is_chunked : {false, true}) {
        upload = {};
        Peer peer{harness()};
        if (is_chunked) {
            peer.send(post(kChunked));
            for (std::size_t at = 0; at < size; at += 70'000) {
                peer.send(chunk(std::string_view{bytes}.substr(at, 70'000)));
            }
            peer.send("0\r\n\r\n");
        } else {
            peer.send(post_of(size) + bytes);
        }
        EXPECT_EQ(peer.take_response().body, std::to_string(size));
        EXPECT_TRUE(upload.body == bytes);
    }
}

TEST_P(RequestBodies, ComeFromHttp10Too) {
    Peer peer{harness()};
    peer.send("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhe");
    wait_for("he");
    peer.send("llo");
    EXPECT_EQ(peer.take_response().body, "5");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
}

TEST_P(RequestBodies, AreEmptyIfThereIsNone) {
    app.on_request = [this](Request& request) -> Application::Answer { return store(*request.body_reader, upload); };
    Peer peer{harness()};
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + post_of(0) + post(kChunked) + "0\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(peer.take_response().body, "0");
        EXPECT_TRUE(upload.is_whole);
    }
    EXPECT_EQ(upload.reads, 0);
}

// RFC 9110, 10.1.1
TEST_P(RequestBodies, AreAskedForWhenTheViewFirstReads) {
    Gate gate;
    bool runs = false;
    app.on_request = [&](Request& request) -> Application::Answer {
        runs = true;
        return store_behind(gate, *request.body_reader, upload);
    };
    Peer peer{harness()};
    peer.send(post_of(5, kExpect));
    harness().run_until([&] { return runs; }, "the view");
    harness().run_until_idle();
    EXPECT_EQ(peer.received(), "");
    gate.open();
    EXPECT_EQ(peer.take(wire::kContinue.size()), wire::kContinue);
    peer.send("he");
    wait_for("he");
    peer.send("llo");
    EXPECT_EQ(peer.take_response().body, "5");
    EXPECT_FALSE(peer.ended());
}

// A client that was not asked may send the body or not, so that nobody knows where its next request begins.
TEST_P(RequestBodies, ThatNobodyHasAskedForEndTheConnection) {
    app.on_request = [](Request&) { return Response::text("no", 403); };
    Peer peer{harness()};
    peer.send(post_of(5, kExpect));
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.headers.get("Connection"), "close");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
}

TEST_P(RequestBodies, MayBeSentBackWhileTheyArrive) {
    app.on_request = [](Request& request) {
        return Response::stream("text/plain", [&body = *request.body_reader](BodyWriter& writer) -> Task<> {
            for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
                co_await writer.write(piece);
            }
        });
    };
    Peer peer{harness()};
    const std::string bytes = some_bytes(is_byte_by_byte(GetParam()) ? 1000 : 500'000);
    peer.send(post(kChunked) + chunk(bytes));
    harness().run_until([&] { return peer.received_in_all() > bytes.size(); }, "the first part back");
    peer.send(chunk("the end") + "0\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, bytes + "the end");
    peer.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    app.on_request = [](Request& request) { return Response::text(request.path); };
    EXPECT_EQ(peer.take_response().body, "/after");
}

// ---- Not read to the end: RFC 9112, 9.3 and 9.6

TEST_P(RequestBodies, AreReadToTheirEndBehindAnEarlyAnswerIfThatIsNotFar) {
    app.on_request = [](Request& request) { return Response::text(request.path); };
    for (const bool is_chunked : {false, true}) {
        Peer peer{harness()};
        peer.send((is_chunked ? post(kChunked, "/early") + "ea60\r\n" : post("Content-Length: 60000", "/early")) +
                  std::string(3, 'x'));
        const Response early = peer.take_response();
        EXPECT_EQ(early.body, "/early");
        EXPECT_EQ(early.headers.count("Connection"), 0U);
        peer.send(std::string(59'997, 'x') + (is_chunked ? "\r\n0\r\n\r\n" : "") +
                  "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(peer.take_response().body, "/after");
        EXPECT_FALSE(peer.ended());
    }
}

TEST_P(RequestBodies, AreSkippedInThePieceThatBringsTheNextRequest) {
    app.on_request = [](Request& request) { return Response::text(request.path); };
    Peer peer{harness()};
    peer.send(post("Content-Length: 5", "/1") + "hello" + post(kChunked, "/2") + chunk("hello") + "0\r\n\r\n" +
              "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (const char* path : {"/1", "/2", "/3"}) {
        EXPECT_EQ(peer.take_response().body, path);
    }
}

TEST_P(RequestBodies, ThatAreLongEndTheConnectionBehindAnEarlyAnswer) {
    app.on_request = [](Request&) { return Response::text("too much", 413); };
    Peer peer{harness()};
    const std::size_t size = is_byte_by_byte(GetParam()) ? 300'000 : 3'000'000;
    peer.send(post_of(size));
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.headers.get("Connection"), "close");
    if (!is_byte_by_byte(GetParam())) {
        peer.stay();
        peer.send(some_bytes(size));  // goes on all the same
    }
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
}

TEST_P(RequestBodies, ThatNeverEndEndTheConnectionBehindAnEarlyAnswer) {
    if (is_byte_by_byte(GetParam())) {
        GTEST_SKIP() << "so many bytes, one by one, take seconds";
    }
    app.on_request = [](Request&) { return Response::text("early"); };
    Peer peer{harness()};
    peer.send(post(kChunked));
    EXPECT_EQ(peer.take_response().body, "early");
    for (int i = 0; i < 10; ++i) {
        peer.send(chunk(std::string(60'000, 'x')));
    }
    peer.wait_for_end();
    EXPECT_EQ(app.statuses, (std::vector<int>{200}));
}

TEST_P(RequestBodies, ThatAreBrokenEndTheConnectionBehindAnEarlyAnswer) {
    app.on_request = [](Request&) { return Response::text("early"); };
    Peer peer{harness()};
    peer.send(post(kChunked));
    EXPECT_EQ(peer.take_response().body, "early");
    peer.send("no chunk\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.wait_for_end();
    EXPECT_EQ(app.statuses, (std::vector<int>{200}));
    wait_until_empty();
}

TEST_P(RequestBodies, WhoseClientHasSentItsFinEndTheConnectionBehindAnEarlyAnswer) {
    app.on_request = [](Request&) { return Response::text("early"); };
    Peer peer{harness()};
    peer.send(post_of(5) + "he");
    EXPECT_EQ(peer.take_response().body, "early");
    peer.shutdown_write();
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
}

// ---- Clients that go or send garbage

TEST_P(RequestBodies, FailWhenTheirClientSendsItsFinTooEarly) {
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    wait_for("hello");
    peer.shutdown_write();
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.headers.get("Connection"), "close");
    EXPECT_EQ(upload.status, 400);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(app.failures, 0);
    wait_until_empty();
}

TEST_P(RequestBodies, AreReadUpToTheFinThatCameTooEarly) {
    Gate gate;
    app.on_request = [&](Request& request) -> Application::Answer {
        return store_behind(gate, *request.body_reader, upload);
    };
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    peer.shutdown_write();
    harness().run_until([&peer] { return peer.unsent() == 0; }, "the last of the body");
    harness().run_until_idle();
    gate.open();
    EXPECT_EQ(peer.take_response().status, 400);
    EXPECT_EQ(upload.body, "hello");
}

TEST_P(RequestBodies, FailWhenTheirClientIsGone) {
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    wait_for("hello");
    peer.close();
    wait_until_empty();
    EXPECT_EQ(upload.status, 400);
    EXPECT_EQ(app.failures, 0);
}

TEST_P(RequestBodies, FailWhereTheyAreNoChunks) {
    Peer peer{harness()};
    peer.send(post(kChunked) + chunk("hello"));
    wait_for("hello");
    peer.send("-1\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const Response response = peer.take_response();
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.headers.get("Connection"), "close");
    EXPECT_EQ(upload.status, 400);
    peer.wait_for_end();
    EXPECT_EQ(app.statuses, (std::vector<int>{400}));
    wait_until_empty();
}

TEST_P(RequestBodies, LeaveTheRequestToItsViewWhenTheyFail) {
    std::string path;
    app.on_request = [&](Request& request) -> Application::Answer {
        return [](Request& mine, Upload& into, std::string& seen) -> Task<Response> {
            try {
                co_await read_to_end(*mine.body_reader, into);
            } catch (const BodyError&) {
                seen = mine.path;
            }
            co_return Response::text("caught", 418);
        }(request, upload, path);
    };
    Peer peer{harness()};
    peer.send(post(kChunked, "/a/path/longer/than/a/short/string") + "nonsense\r\n");
    EXPECT_EQ(peer.take_response().status, 418);
    EXPECT_EQ(path, "/a/path/longer/than/a/short/string");
}

// ---- What a view asks for

TEST_P(RequestBodies, AreRefusedUnaskedIfTheyAreLargerThanTheirViewAllows) {
    app.on_request = [this](Request& request) -> Application::Answer {
        return [](BodyReader& body, Upload& into) -> Task<Response> {
            body.limit(4);
            co_return co_await store(body, into);
        }(*request.body_reader, upload);
    };
    {
        Peer peer{harness()};
        peer.send(post_of(5, kExpect));
        EXPECT_EQ(peer.take_response().status, 413);
        peer.wait_for_end();
    }
    {
        Peer peer{harness()};
        peer.send(post(kChunked) + chunk("four"));
        wait_for("four");
        peer.send(chunk("!") + "0\r\n\r\n");
        EXPECT_EQ(peer.take_response().status, 413);
        EXPECT_EQ(upload.body, "four");
    }
    upload = {};
    Peer peer{harness()};
    peer.send(post_of(4) + "four");
    EXPECT_EQ(peer.take_response().body, "4");
}

TEST_P(RequestBodies, CanBeReadWhole) {
    app.on_request = [](Request& request) -> Application::Answer {
        return [](BodyReader& body) -> Task<Response> {
            co_return Response::text(co_await body.read_all(10));
        }(*request.body_reader);
    };
    Peer peer{harness()};
    peer.send(post_of(10) + "0123456789" + post(kChunked) + chunk("01234") + chunk("56789") + "0\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, "0123456789");
    EXPECT_EQ(peer.take_response().body, "0123456789");
    peer.send(post_of(11) + "0123456789a");
    EXPECT_EQ(peer.take_response().status, 413);
}

TEST_P(RequestBodies, ThatHaveComeWholeAreOnePiece) {
    app.on_head = [](const Request&) { return false; };
    Peer peer{harness()};
    peer.send(post_of(5) + "he");
    peer.send("llo");
    EXPECT_EQ(peer.take_response().body, "5");
    EXPECT_EQ(upload.reads, 1);
}

// ---- By the clock

class RequestBodiesInMemory : public InMemory {
protected:
    void SetUp() override {
        InMemory::SetUp();
        app.on_head = [](const Request&) { return true; };
        app.on_request = [this](Request& request) -> Application::Answer {
            return store_behind(gate, *request.body_reader, upload);
        };
    }
    [[nodiscard]] const Counters& struck() { return harness().server().counters(); }

    Upload upload;
    Gate gate;
};

TEST_F(RequestBodiesInMemory, HoldBackAClientWhoseViewIsSlow) {
    harness().network().faults().kernel_bytes = 10'000;
    const std::string bytes = some_bytes(1'000'000);
    Peer peer{harness()};
    peer.send(post_of(bytes.size()) + bytes);
    harness().advance(1h);  // as long as the view likes
    EXPECT_GT(peer.unsent(), bytes.size() - limits.body_buffer_bytes - 30'000);
    EXPECT_LT(peer.unsent(), bytes.size() - limits.body_buffer_bytes);
    EXPECT_EQ(struck().strikes(Limit::kBodyBufferBytes), 1U);
    gate.open();
    EXPECT_EQ(peer.take_response().body, "1000000");
    EXPECT_TRUE(upload.body == bytes);
    EXPECT_EQ(struck().strikes(Limit::kMinBodyRate), 0U);
}

TEST_F(RequestBodiesInMemory, AreTimedOnlyWhileTheirViewWaits) {
    Peer peer{harness()};
    peer.send(post_of(10));
    harness().advance(10 * limits.body_time);
    gate.open();
    harness().advance(limits.body_grace - 1ms);
    EXPECT_EQ(upload.status, 0);
    harness().advance(1ms);
    EXPECT_EQ(upload.status, 408);
    EXPECT_EQ(peer.take_response().status, 408);
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    EXPECT_EQ(struck().strikes(Limit::kMinBodyRate), 1U);
}

TEST_F(RequestBodiesInMemory, AreNotTimedBetweenTwoReads) {
    app.on_request = [this](Request& request) -> Application::Answer {
        return [](BodyReader& body, Upload& into) -> Task<Response> {
            for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
                into.body += piece;
                co_await sleep_for(1h);
            }
            co_return Response::text(into.body);
        }(*request.body_reader, upload);
    };
    Peer peer{harness()};
    peer.send(post_of(4));
    for (const char* byte : {"a", "b", "c", "d"}) {
        harness().advance(1s);
        peer.send(byte);
        harness().advance(1h);
    }
    EXPECT_EQ(peer.take_response().body, "abcd");
}

TEST_F(RequestBodiesInMemory, FailIfTheyAreSlowerThanTheLeastRate) {
    gate.open();
    Peer peer{harness()};
    peer.send(post_of(1'000'000));
    int seconds = 0;
    for (; upload.status == 0 && seconds < 100; ++seconds) {
        peer.send(std::string(limits.min_body_rate / 2, 'x'));
        harness().advance(1s);
    }
    EXPECT_EQ(upload.status, 408);
    EXPECT_LE(seconds, 2 * (limits.body_grace / 1s) + 1);
    EXPECT_EQ(struck().strikes(Limit::kMinBodyRate), 1U);
}

// The same on a stream of HTTP/2.
class RequestBodiesOverHttp2 : public RequestBodiesInMemory {
protected:
    void SetUp() override {
        RequestBodiesInMemory::SetUp();
        limits.http2 = "on";
        start(Network::kMemory);
        gate.open();
    }
    static std::string frame(wire::Http2FrameType type, std::uint8_t flags, std::string_view payload) {
        std::string bytes(wire::Http2FrameHeader::kBytes, '\0');
        const std::uint32_t stream = type == wire::Http2FrameType::kSettings ? 0 : 1;
        wire::Http2FrameHeader{static_cast<std::uint32_t>(payload.size()), type, flags, stream}.write(bytes.data());
        return bytes.append(payload);
    }
    static std::string data(std::size_t size, std::uint8_t flags = 0) {
        return frame(wire::Http2FrameType::kData, flags, std::string(size, 'x'));
    }
    // A POST whose body follows.
    static std::string post() {
        return std::string{wire::kHttp2Preface} + frame(wire::Http2FrameType::kSettings, 0, "") +
               frame(wire::Http2FrameType::kHeaders, wire::http2_flag::kEndHeaders, "\x83\x86\x84\x41\1a");
    }
};

TEST_F(RequestBodiesOverHttp2, FailIfTheyAreSlowerThanTheLeastRate) {
    Peer peer{harness()};
    peer.send(post());
    int seconds = 0;
    for (; upload.status == 0 && seconds < 100; ++seconds) {
        peer.send(data(limits.min_body_rate / 2));
        harness().advance(1s);
    }
    EXPECT_EQ(upload.status, 408);
    EXPECT_LE(seconds, 2 * (limits.body_grace / 1s) + 1);
    EXPECT_EQ(struck().strikes(Limit::kMinBodyRate), 1U);
}

TEST_F(RequestBodiesOverHttp2, MayTakeForEverAtTheLeastRate) {
    Peer peer{harness()};
    peer.send(post());
    for (std::chrono::seconds time{}; time < 3 * limits.body_time; time += 1s) {
        peer.send(data(limits.min_body_rate));
        harness().advance(1s);
        ASSERT_EQ(upload.status, 0) << time.count();
    }
    peer.send(data(0, wire::http2_flag::kEndStream));
    harness().run_until([&] { return upload.is_whole; }, "the end of the body");
}

TEST_F(RequestBodiesInMemory, MayTakeForEverAtTheLeastRate) {
    gate.open();
    Peer peer{harness()};
    peer.send(post(kChunked));
    for (std::chrono::seconds time{}; time < 10 * limits.body_time; time += 1s) {
        peer.send(chunk(std::string(limits.min_body_rate, 'x')));
        harness().advance(1s);
        ASSERT_EQ(upload.status, 0) << time.count();
    }
    peer.send("0\r\n\r\n");
    EXPECT_EQ(peer.take_response().status, 200);
}

// What came fast pays for no more than body_time of silence.
TEST_F(RequestBodiesInMemory, FailIfTheirClientSaysNothingForTooLong) {
    gate.open();
    Peer peer{harness()};
    peer.send(post_of(10'000'000) + std::string(1'000'000, 'x'));
    harness().advance(limits.body_time - 1ms);
    EXPECT_EQ(upload.body.size(), 1'000'000U);
    EXPECT_EQ(upload.status, 0);
    harness().advance(1ms);
    EXPECT_EQ(upload.status, 408);
    EXPECT_EQ(struck().strikes(Limit::kBodyTime), 1U);
}

TEST_F(RequestBodiesInMemory, HaveOnlyTheirBodyTimeIfThereIsNoLeastRate) {
    limits.min_body_rate = 0;
    limits.body_grace = limits.body_time;
    start(Network::kMemory);
    gate.open();
    Peer peer{harness()};
    peer.send(post_of(100));
    for (int i = 0; i < 10; ++i) {
        peer.send("x");
        harness().advance(limits.body_time - 1ms);
        ASSERT_EQ(upload.status, 0);
    }
    harness().advance(1ms);
    EXPECT_EQ(upload.status, 408);
    EXPECT_EQ(struck().strikes(Limit::kBodyTime), 1U);
}

TEST_F(RequestBodiesInMemory, AreSkippedNoLongerThanAViewWouldWaitForThem) {
    app.on_request = [](Request&) { return Response::text("early"); };
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    EXPECT_EQ(peer.take_response().body, "early");
    harness().advance(limits.body_grace - 1ms);
    EXPECT_FALSE(peer.ended());
    harness().advance(1s);
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(peer.failed());
    harness().advance(5s);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(RequestBodiesInMemory, LoseNothingWhenAReadIsStopped) {
    app.on_request = [this](Request& request) -> Application::Answer {
        return [](BodyReader& body, Upload& into) -> Task<Response> {
            int timeouts = 0;
            for (;;) {
                try {
                    const std::string piece = co_await with_timeout(1s, body.read());
                    if (piece.empty()) {
                        break;
                    }
                    into.body += piece;
                } catch (const TimedOut&) {
                    ++timeouts;
                }
            }
            co_return Response::text(into.body + std::to_string(timeouts));
        }(*request.body_reader, upload);
    };
    Peer peer{harness()};
    peer.send(post_of(6));
    for (const char* part : {"ab", "cd", "ef"}) {
        harness().advance(1500ms);
        peer.send(part);
    }
    EXPECT_EQ(peer.take_response().body, "abcdef3");
}

TEST_F(RequestBodiesInMemory, RefuseTwoReadsAtOnce) {
    std::string failure;
    app.on_request = [&](Request& request) -> Application::Answer {
        return [](BodyReader& body, Upload& into, std::string& said) -> Task<Response> {
            co_await task_group([&](TaskGroup& group) -> Task<> {
                group.spawn(read_to_end(body, into));
                co_await yield();
                try {
                    co_await body.read();
                } catch (const std::logic_error& error) {
                    said = error.what();
                }
            });
            co_return Response::text(into.body);
        }(*request.body_reader, upload, failure);
    };
    Peer peer{harness()};
    peer.send(post_of(5));
    harness().advance(1s);
    peer.send("hello");
    EXPECT_EQ(peer.take_response().body, "hello");
    EXPECT_EQ(failure, "read(): another read() of this body is pending");
}

TEST_F(RequestBodiesInMemory, StopTheViewThatReadsNothingWhenTheirClientIsReset) {
    app.on_request = [this](Request&) -> Application::Answer { return wait_for_ever(upload); };
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.send(post_of(1'000'000) + some_bytes(200'000));
    harness().run_until_idle();
    EXPECT_GT(peer.unsent(), 0U);
    harness().network().reset(peer.socket());
    harness().run_until_idle();
    EXPECT_TRUE(upload.is_stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(RequestBodiesInMemory, StopTheViewThatReadsNothingWhenTheirClientHasSentItsFin) {
    app.on_request = [this](Request&) -> Application::Answer { return wait_for_ever(upload); };
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    peer.shutdown_write();
    harness().advance(limits.half_closed_time - 1ms);
    EXPECT_FALSE(upload.is_stopped);
    harness().advance(1ms);
    EXPECT_TRUE(upload.is_stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(RequestBodiesInMemory, StopTheViewThatWaitsForTheNextPieceWhenTheyAreReset) {
    gate.open();
    Peer peer{harness()};
    peer.send(post_of(1000) + "hello");
    harness().run_until_idle();
    harness().network().reset(peer.socket());
    harness().run_until_idle();
    EXPECT_EQ(upload.status, 400);
    EXPECT_FALSE(upload.is_stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(RequestBodiesInMemory, AreReadToTheEndThoughTheirClientHasSentItsFinLongAgo) {
    limits.body_buffer_bytes = 100;
    start(Network::kMemory);
    harness().network().faults().read_bytes = 100;
    app.on_request = [this](Request& request) -> Application::Answer {
        return [](BodyReader& body, Upload& into) -> Task<Response> {
            for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
                into.body += piece;
                co_await sleep_for(2s);
            }
            co_return Response::text(std::to_string(into.body.size()));
        }(*request.body_reader, upload);
    };
    Peer peer{harness()};
    peer.send(post_of(1000) + std::string(1000, 'x'));
    peer.shutdown_write();
    harness().advance(1min);
    EXPECT_EQ(peer.take_response().body, "1000");
}

TEST_F(RequestBodiesInMemory, ArriveWhileTheServerCloses) {
    gate.open();
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    harness().run_until_idle();
    auto closing = harness().server().close();
    bool is_closed = false;
    const auto close = [](Task<> task, bool& done) -> Task<> {
        co_await std::move(task);
        done = true;
    };
    StopScope scope;
    struct Ignore final : CompletionListener {
        void on_completed() noexcept override {}
    } ignore;
    Task<> task = close(std::move(closing), is_closed);
    task.start(scope, ignore);
    harness().run_until_idle();
    peer.send("there");
    const Response response = peer.take_response();
    EXPECT_EQ(response.body, "10");
    EXPECT_EQ(response.headers.get("Connection"), "close");
    peer.wait_for_end();
    harness().advance(5s);
    EXPECT_TRUE(is_closed);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(RequestBodiesInMemory, AreNotWaitedForWhenTheServerClosesBehindTheirAnswer) {
    app.on_request = [](Request&) { return Response::text("early"); };
    Peer peer{harness()};
    peer.send(post_of(10) + "hello");
    EXPECT_EQ(peer.take_response().body, "early");
    harness().close();
    EXPECT_EQ(harness().server().count(), 0U);
}

}  // namespace
}  // namespace c10k
