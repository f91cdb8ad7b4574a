#include "connection/fixture.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/response_parser.hpp"

#include <algorithm>
#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class StreamOnEveryNetwork : public OnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, StreamOnEveryNetwork, every_network(), network_name);

// A response in chunks as it came, perhaps cut.
struct Chunked {
    Response head;
    std::string body;
    bool is_whole = false;
};

// Waits for more bytes and takes all there are; none if the connection is over.
std::string take_some(Peer& peer) {
    peer.harness().run_until([&peer] { return !peer.received().empty() || peer.is_over(); }, "more of a stream");
    return peer.take(peer.received().size());
}

Chunked take_chunked(Peer& peer) {
    Chunked chunked;
    wire::ResponseParser parser;
    wire::ChunkReader reader;
    const HttpLimits limits{.max_body_bytes = UINT32_MAX};
    std::string rest;
    for (std::string bytes = take_some(peer); !bytes.empty(); bytes = take_some(peer)) {
        rest += bytes;
        rest.erase(0, parser.receive(rest));
        if (parser.state() == wire::ResponseParser::State::kComplete) {
            rest.erase(0, reader.receive(rest, chunked.body, limits));
        }
        if (reader.whole() || reader.failed()) {
            break;
        }
    }
    EXPECT_FALSE(reader.failed()) << reader.failure().reason;
    EXPECT_EQ(rest, "");
    chunked.head = std::move(parser.response());
    chunked.is_whole = reader.whole();
    return chunked;
}

Response streamed(BodyStream stream) { return Response::stream("text/plain", std::move(stream)); }

Task<> say_three(BodyWriter& body) {
    co_await body.write("one ");
    co_await yield();
    co_await body.write("");  // a chunk without data would end the body
    co_await body.write("two ");
    co_await yield();
    co_await body.write(std::string(20, '3'));
}

Task<> fail_midway(BodyWriter& body) {
    co_await body.write("half of");
    co_await yield();
    throw std::runtime_error("no more");
}

// RFC 9112, 7.1
TEST_P(StreamOnEveryNetwork, IsSentInChunksAndTheConnectionIsKept) {
    app.on_request = [](Request& request) -> Application::Answer {
        return request.path == "/" ? streamed(say_three) : Response::text("after");
    };
    Peer peer{harness()};
    for (int i = 0; i < 2; ++i) {
        peer.send(kGet);
        if (is_in_memory()) {
            harness().advance(1s);
        }
        const Chunked answer = take_chunked(peer);
        EXPECT_TRUE(answer.is_whole);
        EXPECT_EQ(answer.body, "one two " + std::string(20, '3'));
        EXPECT_EQ(answer.head.status, 200);
        EXPECT_EQ(answer.head.headers.get("Content-Type"), "text/plain");
        EXPECT_EQ(answer.head.headers.get("Transfer-Encoding"), "chunked");
        EXPECT_EQ(answer.head.headers.count("Content-Length"), 0U);
    }
    peer.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().body, "after");
    EXPECT_EQ(app.statuses, (std::vector<int>{200, 200, 200}));
}

TEST_P(StreamOnEveryNetwork, KeepsTheOrderOfPipelinedRequests) {  // RFC 9112, 9.3.2
    app.on_request = [](Request& request) -> Application::Answer {
        return request.path == "/stream" ? streamed(say_three) : Response::text(request.path);
    };
    Peer peer{harness()};
    peer.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    if (is_in_memory()) {
        harness().advance(1s);
    }
    EXPECT_EQ(peer.take_response().body, "/1");
    const std::string chunks = "4\r\none \r\n4\r\ntwo \r\n14\r\n" + std::string(20, '3') + "\r\n0\r\n\r\n";
    wire::ResponseParser parser;
    while (parser.state() == wire::ResponseParser::State::kHead) {
        parser.receive(peer.take(1));
    }
    EXPECT_EQ(peer.take(chunks.size()), chunks);
    EXPECT_EQ(peer.take_response().body, "/2");
}

// RFC 9112, 6.3: HTTP/1.0 knows no chunks.
TEST_P(StreamOnEveryNetwork, EndsWithTheConnectionForHttp10) {
    app.on_request = [](Request&) { return streamed(say_three); };
    Peer peer{harness()};
    peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    if (is_in_memory()) {
        harness().advance(1s);
    }
    peer.wait_for_end();
    const std::string bytes = peer.received();
    EXPECT_EQ(bytes.find("Transfer-Encoding"), std::string::npos);
    EXPECT_EQ(bytes.find("Content-Length"), std::string::npos);
    EXPECT_NE(bytes.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(bytes.ends_with("\r\n\r\none two " + std::string(20, '3')));
    wait_until_empty();
}

TEST_P(StreamOnEveryNetwork, EndsAnHttp10ConnectionAlsoIfAllWasTakenBefore) {
    for (const bool half_closed : {false, true}) {
        Gate gate;
        app.on_request = [&gate](Request&) {
            return streamed([&gate](BodyWriter& body) -> Task<> {
                co_await body.write("all");
                co_await gate.wait();
            });
        };
        Peer peer{harness()};
        peer.send("GET / HTTP/1.0\r\n\r\n");
        if (half_closed) {
            peer.shutdown_write();
        }
        harness().run_until([&peer] { return peer.received().ends_with("\r\n\r\nall"); }, "all of the body");
        gate.open();
        peer.wait_for_end();
        EXPECT_TRUE(peer.received().ends_with("\r\n\r\nall"));
    }
    wait_until_empty();
}

// RFC 9110, 9.3.2, and 15.4.5
TEST_P(StreamOnEveryNetwork, IsNotRunWhereNoBodyMayBe) {
    app.on_request = [](Request& request) {
        Response response = streamed([](BodyWriter&) -> Task<> { throw std::logic_error("called"); });
        response.status = request.path == "/304" ? 304 : 200;
        return response;
    };
    Peer peer{harness()};
    peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response("HEAD").headers.get("Transfer-Encoding"), "chunked");
    peer.send("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response().headers.count("Transfer-Encoding"), 0U);
    EXPECT_EQ(app.failures, 0);
    EXPECT_FALSE(peer.ended());
}

TEST_P(StreamOnEveryNetwork, MayBeTheAnswerOfACoroutineAndMayBeEmpty) {
    app.on_request = [](Request&) -> Application::Answer {
        return []() -> Task<Response> {
            co_await yield();
            co_return streamed([](BodyWriter&) { return Task<>{}; });
        }();
    };
    Peer peer{harness()};
    peer.send(kGet);
    if (is_in_memory()) {
        harness().advance(1s);
    }
    const Chunked answer = take_chunked(peer);
    EXPECT_TRUE(answer.is_whole);
    EXPECT_EQ(answer.body, "");
}

TEST_P(StreamOnEveryNetwork, SendsALongBodyWhole) {
    const std::size_t pieces = is_byte_by_byte(GetParam()) ? 3 : 300;
    app.on_request = [pieces](Request&) {
        return streamed([pieces](BodyWriter& body) -> Task<> {
            for (std::size_t i = 0; i < pieces; ++i) {
                co_await body.write(std::string(30'000, static_cast<char>('a' + i % 26)));
            }
        });
    };
    Peer peer{harness()};
    peer.send(kGet);
    const Chunked answer = take_chunked(peer);
    EXPECT_TRUE(answer.is_whole);
    ASSERT_EQ(answer.body.size(), pieces * 30'000);
    for (std::size_t i = 0; i < pieces; ++i) {
        ASSERT_EQ(answer.body[i * 30'000], static_cast<char>('a' + i % 26));
    }
}

// RFC 9112, 8: a body without its last chunk is not whole.
TEST_P(StreamOnEveryNetwork, IsCutWhenItFailsMidway) {
    app.on_request = [](Request&) { return streamed(fail_midway); };
    Peer peer{harness()};
    peer.send(kGet);
    if (is_in_memory()) {
        harness().advance(1s);
    }
    const Chunked answer = take_chunked(peer);
    EXPECT_FALSE(answer.is_whole);
    EXPECT_EQ(app.failures, 1);
    EXPECT_TRUE(peer.is_over());
    wait_until_empty();
}

TEST_P(StreamOnEveryNetwork, IsAnErrorPageIfItFailsBeforeTheFirstPiece) {
    app.on_request = [](Request& request) -> Application::Answer {
        if (request.path == "/split") {
            Response response = streamed(say_three);
            response.headers.add("X", "a\r\nSet-Cookie: b=c");
            return response;
        }
        return streamed([](BodyWriter&) -> Task<> {
            co_await yield();
            throw std::runtime_error("nothing to say");
        });
    };
    Peer peer{harness()};
    for (const std::string_view path : {"/", "/split"}) {
        peer.send("GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n");
        if (is_in_memory()) {
            harness().advance(1s);
        }
        const Response response = peer.take_response();
        EXPECT_EQ(response.status, 500);
        EXPECT_EQ(response.body, "it failed");
    }
    EXPECT_EQ(app.statuses, (std::vector<int>{500, 500}));
}

TEST_P(StreamOnEveryNetwork, IsStoppedWhenItsClientGoesAndWritesNothingMore) {
    int stops = 0;
    app.on_request = [&stops](Request&) {
        return streamed([&stops](BodyWriter& body) -> Task<> {
            while (stops < 3) {  // it does not end with the first
                try {
                    co_await body.write(std::string(1000, 'x'));
                    co_await sleep_for(is_in_memory() ? 1ms : 0ms);  // in memory until this test moves the clock
                } catch (const Stopped&) {
                    ++stops;
                }
            }
            throw Stopped{};
        });
    };
    Peer peer{harness()};
    peer.send(kGet);
    peer.take(100);
    peer.close();
    if (is_in_memory()) {
        harness().advance(1s);
    }
    wait_until_empty();
    EXPECT_EQ(stops, 3);
    EXPECT_EQ(app.failures, 0);
}

TEST_P(StreamOnEveryNetwork, IsSentWithALengthThatIsKnown) {
    app.on_request = [](Request&) {
        Response response = streamed(say_three);
        response.stream_bytes = 28;
        return response;
    };
    Peer peer{harness()};
    for (const std::string_view version : {"1.1", "1.0"}) {  // which keeps the connection, too (RFC 9112, 9.3)
        peer.send("GET / HTTP/" + std::string{version} + "\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        if (is_in_memory()) {
            harness().advance(1s);
        }
        const Response response = peer.take_response();
        EXPECT_EQ(response.headers.get("Content-Length"), "28");
        EXPECT_EQ(response.headers.count("Transfer-Encoding"), 0U);
        EXPECT_EQ(response.body, "one two " + std::string(20, '3'));
    }
    peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(peer.take_response("HEAD").headers.get("Content-Length"), "28");
    EXPECT_FALSE(peer.ended());
}

TEST_P(StreamOnEveryNetwork, IsCutWhenItIsNotAsLongAsItSaid) {
    for (const std::size_t said : {27U, 29U}) {
        app.on_request = [said](Request&) {
            Response response = streamed(say_three);
            response.stream_bytes = said;
            return response;
        };
        Peer peer{harness()};
        peer.send(kGet);
        if (is_in_memory()) {
            harness().advance(1s);
        }
        peer.wait_for_end();
        const std::string& bytes = peer.received();
        const std::size_t head_end = bytes.find("\r\n\r\n");
        EXPECT_TRUE(head_end == std::string::npos || bytes.size() - head_end - 4 < said);
    }
    EXPECT_EQ(app.failures, 2);
}

// ---- By the clock

TEST_F(InMemory, StreamWaitsForAClientThatDoesNotRead) {
    std::size_t written = 0;
    app.on_request = [&written](Request&) {
        return streamed([&written](BodyWriter& body) -> Task<> {
            for (int i = 0; i < 3000; ++i) {
                co_await body.write(std::string(1000, 'x'));
                written += 1000;
            }
        });
    };
    harness().network().faults().kernel_bytes = 10'000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().run_until_idle();
    EXPECT_GT(written, 50'000U);
    EXPECT_LT(written, 100'000U);
    peer.start_receiving();
    EXPECT_EQ(take_chunked(peer).body.size(), 3'000'000U);
}

TEST_F(InMemory, StreamRefusesToAwaitAWriteWhileAnotherWaits) {
    const std::string piece(100 * 1024, 'x');
    std::string failure;
    app.on_request = [&](Request&) {
        return streamed([&](BodyWriter& body) -> Task<> {
            Task<> first = body.write(piece);
            Task<> second = body.write(piece);  // made before the first is awaited
            co_await task_group([&](TaskGroup& group) -> Task<> {
                group.spawn(std::move(first));
                group.spawn(std::move(second), [&failure](std::exception_ptr thrown) {
                    try {
                        std::rethrow_exception(thrown);
                    } catch (const std::logic_error& error) {
                        failure = error.what();
                    }
                });
                co_return;
            });
        });
    };
    harness().network().faults().kernel_bytes = 10'000;  // both have to wait
    Peer peer{harness()};
    peer.send(kGet);
    const Chunked answer = take_chunked(peer);
    EXPECT_TRUE(answer.is_whole);
    EXPECT_EQ(answer.body.size(), 2 * piece.size());
    EXPECT_EQ(failure, "write(): another write() of this body is pending");
}

TEST_F(InMemory, StreamThatWaitsIsStoppedWhenItsClientTakesNothingForTooLong) {
    bool stopped = false;
    app.on_request = [&stopped](Request&) {
        return streamed([&stopped](BodyWriter& body) -> Task<> {
            try {
                for (;;) {
                    co_await body.write(std::string(1000, 'x'));
                }
            } catch (const Stopped&) {
                stopped = true;
                throw;
            }
        });
    };
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().advance(limits.write_time - 1ms);
    EXPECT_FALSE(stopped);
    EXPECT_EQ(harness().server().count(), 1U);
    harness().advance(1ms);
    EXPECT_TRUE(stopped);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, StreamThatSaysALittleNowAndThenDoesNotKeepAClientThatTakesNothing) {
    app.on_request = [](Request&) {
        return streamed([](BodyWriter& body) -> Task<> {
            for (;;) {
                co_await body.write("x");
                co_await sleep_for(1s);
            }
        });
    };
    harness().network().faults().kernel_bytes = 100;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().advance(2 * limits.write_time);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, StreamMayBeSilentForLong) {
    app.on_request = [](Request&) {
        return streamed([](BodyWriter& body) -> Task<> {
            co_await body.write("first");
            co_await sleep_for(10h);
            co_await body.write("last");
        });
    };
    Peer peer{harness()};
    peer.send(kGet);
    harness().advance(10h);
    const Chunked answer = take_chunked(peer);
    EXPECT_TRUE(answer.is_whole);
    EXPECT_EQ(answer.body, "firstlast");
}

TEST_F(InMemory, StreamRefusesTwoWritesAtOnce) {
    bool refused = false;
    app.on_request = [&refused](Request&) {
        return streamed([&refused](BodyWriter& body) -> Task<> {
            co_await task_group([&body, &refused](TaskGroup& group) -> Task<> {
                const auto write = [](BodyWriter& to) -> Task<> { co_await to.write(std::string(200'000, 'x')); };
                group.spawn(write(body));
                co_await yield();
                try {
                    co_await body.write("y");
                } catch (const std::logic_error&) {
                    refused = true;
                }
            });
        });
    };
    harness().network().faults().kernel_bytes = 1000;
    Peer peer{harness()};
    peer.stop_receiving();
    peer.send(kGet);
    harness().advance(1s);
    EXPECT_TRUE(refused);
    peer.start_receiving();
    EXPECT_EQ(take_chunked(peer).body.size(), 200'000U);
}

TEST_F(InMemory, StreamFinishesWhenTheServerCloses) {
    app.on_request = [](Request&) { return streamed(say_three); };
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until_idle();
    harness().close();
    EXPECT_TRUE(take_chunked(peer).is_whole);
    EXPECT_EQ(harness().server().count(), 0U);
}

TEST_F(InMemory, StreamWithoutEndIsCutWhenTheServerCloses) {
    app.on_request = [](Request&) {
        return streamed([](BodyWriter& body) -> Task<> {
            for (;;) {
                co_await body.write("x");
                co_await sleep_for(1s);
            }
        });
    };
    Peer peer{harness()};
    peer.send(kGet);
    harness().run_until_idle();
    harness().close();
    EXPECT_EQ(harness().server().count(), 0U);
    EXPECT_FALSE(take_chunked(peer).is_whole);
    EXPECT_EQ(app.failures, 0);
}

}  // namespace
}  // namespace c10k
