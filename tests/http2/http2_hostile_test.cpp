// Mistakes and floods of peers: each has the error code that RFC 9113 gives it, and costs nobody else anything.

#include "fixture.hpp"

#include <array>
#include <functional>
#include <malloc.h>

namespace c10k {
namespace {

namespace flag = wire::http2_flag;
using Type = Http2FrameType;

class Http2Hostile : public Http2Test {
protected:
    // A server on which stream 1 is open in both directions, 3 is answered, and 5 has ended in both.
    void begin() {
        owner.on_open = [this](SocketId id, const Http2Head&) {
            const std::size_t number = owner.streams.size() - 1;
            stream(number).receive();
            EXPECT_EQ(stream(number).id(), id);
        };
        client.emplace(*backend);
        serve(*client);
        client->begin();
        client->request(1, kPost, 0);
        client->request(3, kWebSocket, 0);
        client->request(5, kGet);
        run();
        ASSERT_EQ(owner.streams.size(), 3U);
        backend->respond(stream(1).id(), 200, {}, Http2Body::kFollows);
        backend->respond(stream(2).id(), 200, {}, Http2Body::kNone);
        stream(2).close();
        run();
    }

    std::optional<RawPeer> client;
};

struct Case {
    std::string name;
    std::function<std::string()> bytes;
    Http2Error error;
    std::uint32_t reset = 0;  // the stream that is reset; 0: the connection ends
};

std::string headers(std::uint32_t id, const Fields& fields, std::uint8_t flags = flag::kEndStream) {
    return frame(Type::kHeaders, flags | flag::kEndHeaders, id, block(fields));
}

Fields with(Fields fields, std::string_view name, std::string_view value) {
    fields.emplace_back(name, value);
    return fields;
}

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"4.2 a frame that is too long", [] { return frame(Type::kPing, 0, 0, std::string(16'385, 'x')); },
         Http2Error::kFrameSizeError},
        {"4.3 a corrupt block",
         [] { return frame(Type::kHeaders, flag::kEndHeaders | flag::kEndStream, 7, "\xff\xff\xff\xff\xff\xff"); },
         Http2Error::kCompressionError},
        {"4.3 another frame inside a head",
         [] { return frame(Type::kHeaders, 0, 7, block(kGet)) + frame(Type::kPing, 0, 0, "12345678"); },
         Http2Error::kProtocolError},
        {"4.3 a head of another stream inside a head",
         [] { return frame(Type::kHeaders, 0, 7, block(kGet)) + frame(Type::kContinuation, 4, 9, {}); },
         Http2Error::kProtocolError},
        {"5.1 DATA on an idle stream", [] { return frame(Type::kData, 0, 7, "x"); }, Http2Error::kProtocolError},
        {"5.1 RST_STREAM on an idle stream", [] { return frame(Type::kRstStream, 0, 7, u32(8)); },
         Http2Error::kProtocolError},
        {"5.1 WINDOW_UPDATE on an idle stream", [] { return frame(Type::kWindowUpdate, 0, 7, u32(8)); },
         Http2Error::kProtocolError},
        {"5.1 DATA on a closed stream", [] { return frame(Type::kData, 0, 5, "x"); }, Http2Error::kStreamClosed, 5},
        {"5.1 HEADERS on a closed stream", [] { return headers(5, kGet); }, Http2Error::kStreamClosed},
        {"5.1 DATA behind the end", [] { return frame(Type::kData, 1, 1) + frame(Type::kData, 0, 1, "x"); },
         Http2Error::kStreamClosed, 1},
        {"5.1 HEADERS behind the end", [] { return frame(Type::kData, 1, 1) + headers(1, kGet); },
         Http2Error::kStreamClosed, 1},
        {"5.1 DATA behind its own reset",
         [] { return frame(Type::kRstStream, 0, 3, u32(8)) + frame(Type::kData, 0, 3, "x"); },
         Http2Error::kStreamClosed, 3},
        {"5.1.1 an even stream", [] { return headers(8, kGet); }, Http2Error::kProtocolError},
        {"5.1.1 a stream below the last one", [] { return headers(9, kGet) + headers(7, kGet); },
         Http2Error::kProtocolError},
        {"6.1 DATA of the connection", [] { return frame(Type::kData, 0, 0, "x"); }, Http2Error::kProtocolError},
        {"6.1 padding longer than its DATA", [] { return frame(Type::kData, flag::kPadded, 1, "\5abc"); },
         Http2Error::kProtocolError},
        {"6.1 padded DATA without a length", [] { return frame(Type::kData, flag::kPadded, 1); },
         Http2Error::kFrameSizeError},
        {"6.2 HEADERS of the connection", [] { return headers(0, kGet); }, Http2Error::kProtocolError},
        {"6.2 padding longer than its HEADERS",
         [] { return frame(Type::kHeaders, flag::kPadded | flag::kEndHeaders, 7, "\x7f" + block(kGet).substr(0, 20)); },
         Http2Error::kProtocolError},
        {"6.3 PRIORITY of the connection", [] { return frame(Type::kPriority, 0, 0, "12345"); },
         Http2Error::kProtocolError},
        {"6.3 a short PRIORITY", [] { return frame(Type::kPriority, 0, 1, "1234"); }, Http2Error::kFrameSizeError, 1},
        {"6.4 RST_STREAM of the connection", [] { return frame(Type::kRstStream, 0, 0, u32(8)); },
         Http2Error::kProtocolError},
        {"6.4 a short RST_STREAM", [] { return frame(Type::kRstStream, 0, 1, "123"); }, Http2Error::kFrameSizeError},
        {"6.5 SETTINGS of a stream", [] { return frame(Type::kSettings, 0, 1); }, Http2Error::kProtocolError},
        {"6.5 half a setting", [] { return frame(Type::kSettings, 0, 0, "123"); }, Http2Error::kFrameSizeError},
        {"6.5 an acknowledgement with settings", [] { return frame(Type::kSettings, flag::kAck, 0, setting(4, 1)); },
         Http2Error::kFrameSizeError},
        {"6.5.2 ENABLE_PUSH of 2", [] { return frame(Type::kSettings, 0, 0, setting(2, 2)); },
         Http2Error::kProtocolError},
        {"6.5.2 a window of 2^31", [] { return frame(Type::kSettings, 0, 0, setting(4, 1U << 31U)); },
         Http2Error::kFlowControlError},
        {"6.5.2 frames of 16,383 bytes", [] { return frame(Type::kSettings, 0, 0, setting(5, 16'383)); },
         Http2Error::kProtocolError},
        {"6.6 PUSH_PROMISE", [] { return frame(Type::kPushPromise, flag::kEndHeaders, 1, u32(2) + block(kGet)); },
         Http2Error::kProtocolError},
        {"6.7 PING of a stream", [] { return frame(Type::kPing, 0, 1, "12345678"); }, Http2Error::kProtocolError},
        {"6.7 a short PING", [] { return frame(Type::kPing, 0, 0, "1234567"); }, Http2Error::kFrameSizeError},
        {"6.8 GOAWAY of a stream", [] { return frame(Type::kGoaway, 0, 1, u32(0) + u32(0)); },
         Http2Error::kProtocolError},
        {"6.8 a short GOAWAY", [] { return frame(Type::kGoaway, 0, 0, u32(0)); }, Http2Error::kFrameSizeError},
        {"6.9 a short WINDOW_UPDATE", [] { return frame(Type::kWindowUpdate, 0, 0, "123"); },
         Http2Error::kFrameSizeError},
        {"6.9 WINDOW_UPDATE of 0", [] { return frame(Type::kWindowUpdate, 0, 0, u32(0)); }, Http2Error::kProtocolError},
        {"6.9 WINDOW_UPDATE of 0 of a stream", [] { return frame(Type::kWindowUpdate, 0, 1, u32(0)); },
         Http2Error::kProtocolError, 1},
        {"6.9.1 a connection's window of 2^31", [] { return frame(Type::kWindowUpdate, 0, 0, u32(INT32_MAX)); },
         Http2Error::kFlowControlError},
        {"6.9.1 a stream's window of 2^31", [] { return frame(Type::kWindowUpdate, 0, 1, u32(INT32_MAX)); },
         Http2Error::kFlowControlError, 1},
        {"6.9.2 a setting that makes a window too large",
         [] {
             return frame(Type::kWindowUpdate, 0, 1, u32(1000)) + frame(Type::kSettings, 0, 0, setting(4, INT32_MAX));
         },
         Http2Error::kFlowControlError},
        {"6.10 CONTINUATION of nothing", [] { return frame(Type::kContinuation, flag::kEndHeaders, 7, block(kGet)); },
         Http2Error::kProtocolError},
        {"8.1 a second head that does not end",
         [] {
             return headers(1, {{"x", "y"}}, 0);
         },
         Http2Error::kProtocolError, 1},
        {"8.1 trailers with a pseudo-field",
         [] {
             return headers(1, {{":path", "/"}});
         },
         Http2Error::kProtocolError, 1},
        {"8.1.1 a body longer than its Content-Length",
         [] { return headers(7, with(kPost, "content-length", "3"), 0) + frame(Type::kData, 1, 7, "four"); },
         Http2Error::kProtocolError, 7},
        {"8.1.1 a body shorter than its Content-Length",
         [] { return headers(7, with(kPost, "content-length", "5"), 0) + frame(Type::kData, 1, 7, "four"); },
         Http2Error::kProtocolError, 7},
        {"8.1.1 a Content-Length without a body", [] { return headers(7, with(kPost, "content-length", "5")); },
         Http2Error::kProtocolError, 7},
        {"8.2.1 capitals", [] { return headers(7, with(kGet, "X-Y", "z")); }, Http2Error::kProtocolError, 7},
        {"8.2.1 a colon inside a name", [] { return headers(7, with(kGet, "x:y", "z")); }, Http2Error::kProtocolError,
         7},
        {"8.2.1 a NUL in a value",
         [] {
             return headers(7, with(kGet, "x", {"y\0z", 3}));
         },
         Http2Error::kProtocolError, 7},
        {"8.2.1 a line end in a value", [] { return headers(7, with(kGet, "x", "y\r\nz: 1")); },
         Http2Error::kProtocolError, 7},
        {"8.2.2 Connection", [] { return headers(7, with(kGet, "connection", "close")); }, Http2Error::kProtocolError,
         7},
        {"8.2.2 Upgrade", [] { return headers(7, with(kGet, "upgrade", "websocket")); }, Http2Error::kProtocolError, 7},
        {"8.2.2 Transfer-Encoding", [] { return headers(7, with(kPost, "transfer-encoding", "chunked")); },
         Http2Error::kProtocolError, 7},
        {"8.2.2 TE that is not trailers", [] { return headers(7, with(kGet, "te", "gzip")); },
         Http2Error::kProtocolError, 7},
        {"8.3 an unknown pseudo-field", [] { return headers(7, with(kGet, ":x", "y")); }, Http2Error::kProtocolError,
         7},
        {"8.3 a pseudo-field behind others",
         [] {
             return headers(7,
                            {{":method", "GET"}, {"x", "y"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3 a pseudo-field of responses", [] { return headers(7, with(kGet, ":status", "200")); },
         Http2Error::kProtocolError, 7},
        {"8.3.1 no method",
         [] {
             return headers(7, {{":scheme", "http"}, {":authority", "a"}, {":path", "/"}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3.1 no scheme",
         [] {
             return headers(7, {{":method", "GET"}, {":authority", "a"}, {":path", "/"}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3.1 an empty path",
         [] {
             return headers(7, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3.1 two paths", [] { return headers(7, with(kGet, ":path", "/2")); }, Http2Error::kProtocolError, 7},
        {"8.3.1 no path",
         [] {
             return headers(7, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3.1 a path with a space",
         [] {
             return headers(7, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a b"}});
         },
         Http2Error::kProtocolError, 7},
        {"8.3.1 a Host of another site", [] { return headers(7, with(kGet, "host", "other")); },
         Http2Error::kProtocolError, 7},
        {"8.5 CONNECT with a path and no protocol",
         [] {
             return headers(7, {{":method", "CONNECT"}, {":authority", "a"}, {":path", "/"}}, 0);
         },
         Http2Error::kProtocolError, 7},
        {"8441, 4 a protocol without CONNECT", [] { return headers(7, with(kGet, ":protocol", "websocket")); },
         Http2Error::kProtocolError, 7},
    };
    return all;
}

TEST_F(Http2Hostile, EachMistakeHasItsErrorAndOneOnAStreamSparesTheOthers) {
    for (const Case& one : cases()) {
        for (const std::size_t cut : {std::size_t{1}, SIZE_MAX}) {
            SCOPED_TRACE(one.name);
            owner.streams.clear();
            owner.ending.reset();
            clear_notes();
            network.faults().read_bytes = cut;
            begin();
            client->write(one.bytes());
            run();
            if (one.reset == 0) {
                EXPECT_EQ(client->goaway(), one.error);
                EXPECT_TRUE(client->has_ended) << "FIN follows";
                EXPECT_EQ(stream(0).failures.size(), 1U);
                backend->close(client->id());
                run();
                ASSERT_TRUE(owner.ending);
                EXPECT_EQ(owner.ending->kind, Http2Ending::Kind::kPeerFault);
                EXPECT_EQ(owner.ending->code, one.error);
                EXPECT_FALSE(owner.ending->reason.empty());
                backend->close(connection);
            } else {
                EXPECT_EQ(client->reset(one.reset), one.error);
                EXPECT_FALSE(client->goaway());
                const std::uint32_t spared = one.reset == 3 ? 1 : 3;
                client->data(spared, "spared");
                run();
                EXPECT_EQ(stream(spared / 2).received, "spared");
                backend->close(connection);
                backend->close(client->id());
            }
            run();
        }
    }
}

TEST_F(Http2Hostile, NothingIsSentOnAStreamThatWasResetForAHeadBehindItsEnd) {  // RFC 9113, 5.1
    begin();
    client->request(7, kGet);
    client->request(7, kGet);
    run();
    EXPECT_EQ(client->reset(7), Http2Error::kStreamClosed);
    EXPECT_EQ(stream(3).failures.size(), 1U);
    backend->respond(stream(3).id(), 200, {}, Http2Body::kNone);
    run();
    EXPECT_EQ(client->frames.back().header.type, Type::kRstStream);
}

TEST_F(Http2Hostile, WhatItDoesNotKnowIsIgnored) {  // RFC 9113, 5.3.2, 5.5 and 6.5.2
    begin();
    client->write(frame(static_cast<Type>(0x7f), 0xff, 0, "x") + frame(static_cast<Type>(0x7f), 0xff, 1, "x"));
    client->write(frame(Type::kPriority, 0, 99, {"\0\0\0\1\7", 5}) + frame(Type::kSettings, 0, 0, setting(0xaa, 1)));
    client->request(7, kGet);
    client->write(frame(Type::kPing, 0, 0, "12345678"));
    run();
    EXPECT_FALSE(client->goaway());
    EXPECT_EQ(owner.streams.size(), 4U);
    ASSERT_EQ(client->all(Type::kPing).size(), 1U);
    EXPECT_TRUE(client->all(Type::kPing).front().header.has(flag::kAck));
}

TEST_F(Http2Hostile, HttpOneIsNoPreface) {
    client.emplace(*backend);
    serve(*client);
    client->write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    run();
    EXPECT_EQ(client->goaway(), Http2Error::kProtocolError);
}

TEST_F(Http2Hostile, RapidResetsEndTheConnectionAndAreCounted) {  // CVE-2023-44487
    begin();
    for (std::uint32_t id = 7; id < 7 + 2 * 10 * options.max_stream_resets + 10; id += 2) {
        client->request(id, kGet);
        client->write(frame(Type::kRstStream, 0, id, u32(8)));
        if (id % 100 == 1) {
            for (std::size_t i = 3; i < owner.streams.size(); ++i) {
                stream(i).close();
            }
            run();
        }
    }
    run();
    EXPECT_EQ(client->goaway(), Http2Error::kEnhanceYourCalm);
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kMaxStreamResets);
}

TEST_F(Http2Hostile, MistakesThatMakeUsResetEndTheConnectionToo) {  // CVE-2025-8671
    begin();
    for (std::uint32_t id = 7; id < 7 + 2 * 10 * options.max_stream_resets + 10; id += 2) {
        client->write(headers(id, with(kGet, "connection", "close")));
    }
    run();
    EXPECT_EQ(client->goaway(), Http2Error::kEnhanceYourCalm);
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kMaxStreamResets);
    EXPECT_EQ(owner.streams.size(), 3U) << "no view has seen them";
}

TEST_F(Http2Hostile, FloodsOfFramesThatCarryNothingEndTheConnectionAndAreCounted) {
    const std::array floods{
        frame(Type::kPing, 0, 0, "12345678"),
        frame(Type::kSettings, 0, 0),
        frame(Type::kData, 0, 1),
        frame(Type::kWindowUpdate, 0, 1, u32(1)),
        frame(Type::kPriority, 0, 1, "12345"),
        frame(static_cast<Type>(99), 0, 0, "what"),
    };
    for (const std::string& one : floods) {
        SCOPED_TRACE(static_cast<int>(one[3]));
        owner.streams.clear();
        owner.limits.clear();
        owner.ending.reset();
        clear_notes();
        begin();
        for (std::uint32_t i = 0; i < 10 * options.max_control_frames + 100; ++i) {
            client->write(one);
        }
        run();
        EXPECT_EQ(client->goaway(), Http2Error::kEnhanceYourCalm);
        ASSERT_FALSE(owner.limits.empty());
        EXPECT_EQ(owner.limits.back(), Limit::kMaxControlFrames);
        backend->close(connection);
        backend->close(client->id());
        run();
    }
}

TEST_F(Http2Hostile, HeadsWithoutEndEndTheConnection) {  // CONTINUATION floods
    begin();
    client->write(frame(Type::kHeaders, 0, 7, block(kGet)));
    for (int i = 0; i < 100 && !client->has_ended; ++i) {
        client->write(frame(Type::kContinuation, 0, 7, block({{"x", std::string(100, 'y')}})));
        client->write(frame(Type::kContinuation, 0, 7, std::string(2000, '\x82')));
        run();
    }
    EXPECT_EQ(client->goaway(), Http2Error::kEnhanceYourCalm);
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kMaxHeadBytes);
}

TEST_F(Http2Hostile, AHeadThatHasNotComeTakesNoMemoryForWhatItPromises) {
    begin();
    client->request(7, kGet);
    run();
    const std::string long_name{"\x00\xff\x81\xfe\x03", 5};  // of 65,536 bytes, with Huffman codes
    const std::size_t before = mallinfo2().uordblks;
    client->write(frame(Type::kHeaders, 0, 9, long_name));
    run();
    EXPECT_LT(mallinfo2().uordblks, before + 16 * 1024);
    client->write(frame(Type::kContinuation, flag::kEndHeaders, 9));
    run();
    EXPECT_EQ(client->goaway(), Http2Error::kCompressionError);
}

TEST_F(Http2Hostile, AnHpackBombIsAnsweredWith431) {
    begin();
    std::string bomb = block(kGet);
    bomb += "\x40\x01x\x7f\x80\x1e" + std::string(127 + 30 * 128, 'y');  // into the table
    client->write(frame(Type::kHeaders, flag::kEndHeaders | flag::kEndStream, 7,
                        bomb + std::string(10'000, '\xbe')));  // and 10,000 times out of it
    run();
    const auto answers = client->all(Type::kHeaders);
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back().header.stream, 7U);
    EXPECT_TRUE(answers.back().header.has(flag::kEndStream));
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kMaxHeadBytes);
    EXPECT_EQ(owner.streams.size(), 3U);
    EXPECT_FALSE(client->goaway());
}

TEST_F(Http2Hostile, StreamsBeyondMaxStreamsAreRefusedAndCounted) {
    options.max_streams = 4;
    begin();
    for (const std::uint32_t id : {7U, 9U, 11U}) {
        client->request(id, kGet);
    }
    run();
    EXPECT_EQ(owner.streams.size(), 5U);
    EXPECT_EQ(client->reset(11), Http2Error::kRefusedStream);
    EXPECT_EQ(owner.limits, std::vector{Limit::kMaxStreams});
    stream(3).close();
    client->request(13, kGet);
    run();
    EXPECT_EQ(owner.streams.size(), 6U);
}

TEST_F(Http2Hostile, DataBeyondAWindowIsAnErrorOfItsStreamOrOfTheConnection) {
    options.connection_window_bytes = 100'000;
    begin();
    stream(0).pause();
    stream(1).pause();
    client->data(1, std::string(16'384, 'x'));
    client->data(1, std::string(16'384, 'x'));
    client->data(1, std::string(16'384, 'x'));
    client->data(1, std::string(16'383, 'x'));
    run();
    EXPECT_FALSE(client->reset(1));
    client->data(1, "x");
    run();
    EXPECT_EQ(client->reset(1), Http2Error::kFlowControlError);
    EXPECT_EQ(stream(0).failures.size(), 1U);
    EXPECT_EQ(stream(0).failures.at(0), Http2StreamError::kBroken);
    for (int i = 0; i < 8 && !client->goaway(); ++i) {
        client->data(i < 4 ? 3 : 1, std::string(16'000, 'x'));
        run();
    }
    EXPECT_FALSE(client->goaway()) << "what a reset stream held is given back";
}

TEST_F(Http2Hostile, APeerThatIsSlowWithAHeadOrItsSettingsIsCut) {
    client.emplace(*backend);
    serve(*client);
    pass(options.head_time + std::chrono::milliseconds{10});
    EXPECT_EQ(client->goaway(), Http2Error::kSettingsTimeout);
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kHeadTime);
    pass(std::chrono::seconds{2});
    EXPECT_TRUE(owner.ending);
    backend->close(connection);
    backend->close(client->id());
    owner.ending.reset();

    begin();
    client->write(frame(Type::kHeaders, 0, 7, block(kGet)));
    run();
    pass(options.head_time + std::chrono::milliseconds{10});
    EXPECT_EQ(client->goaway(), Http2Error::kEnhanceYourCalm);
}

TEST_F(Http2Hostile, ASilentPeerIsPingedAndThenLost) {
    begin();
    pass(options.ping_interval);
    pass(options.ping_interval);
    EXPECT_EQ(client->all(Type::kPing).size(), 1U);
    EXPECT_FALSE(owner.ending);
    pass(options.ping_timeout);
    ASSERT_TRUE(owner.ending);
    EXPECT_EQ(owner.ending->kind, Http2Ending::Kind::kLost);
    ASSERT_FALSE(owner.limits.empty());
    EXPECT_EQ(owner.limits.back(), Limit::kPingTimeout);
    EXPECT_EQ(stream(0).failures.size(), 1U);
}

}  // namespace
}  // namespace c10k
