// What a peer must not do, frame by frame: the cases of RFC 9113 with the error that each gets. A connection error is
// in GOAWAY, a stream error in RST_STREAM; whoever is not meant goes on.

#include "fixture.hpp"

#include <algorithm>
#include <cctype>

namespace c10k {
namespace {

namespace flag = wire::http2_flag;

// A peer's request of stream 1 with a body to come, as each case finds it.
constexpr std::uint32_t kOpen = 1;

enum class Ends : std::uint8_t { kConnection, kStream, kNothing };

struct Case {
    const char* name;
    const char* section;  // of RFC 9113, unless it says so
    std::string bytes;    // behind the preface, SETTINGS and the head of stream 1
    Ends ends;
    Http2Error code = Http2Error::kNoError;
    std::uint32_t stream = kOpen;  // of a stream error
};

std::string head(std::uint32_t id, const Fields& fields, std::uint8_t flags = flag::kEndStream) {
    return frame(Http2FrameType::kHeaders, static_cast<std::uint8_t>(flags | flag::kEndHeaders), id, block(fields));
}

Fields with(Fields fields, const Fields& more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

std::string malformed(const Fields& fields) { return head(3, fields); }

std::vector<Case> cases() {
    using enum Http2FrameType;
    const auto connection = Ends::kConnection;
    const auto stream = Ends::kStream;
    const auto protocol = Http2Error::kProtocolError;
    const auto size = Http2Error::kFrameSizeError;
    return {
        {"a frame of an unknown type is ignored", "5.5", frame(static_cast<Http2FrameType>(0x7f), 0, 0, "x"),
         Ends::kNothing},
        {"a frame longer than SETTINGS_MAX_FRAME_SIZE", "4.2", frame(kData, 0, kOpen, std::string(16'385, 'x')),
         connection, size},
        {"DATA on stream 0", "6.1", frame(kData, 0, 0, "x"), connection, protocol},
        {"DATA on an idle stream", "5.1", frame(kData, 0, 5, "x"), connection, protocol},
        {"DATA with padding as long as its payload", "6.1", frame(kData, flag::kPadded, kOpen, "\5abcd"), connection,
         protocol},
        {"DATA behind END_STREAM", "5.1", frame(kData, flag::kEndStream, kOpen) + frame(kData, 0, kOpen, "x"), stream,
         Http2Error::kStreamClosed},
        {"HEADERS on stream 0", "6.2", head(0, kGet), connection, protocol},
        {"HEADERS on a stream with an even number", "5.1.1", head(2, kGet), connection, protocol},
        {"HEADERS with a smaller number than before", "5.1.1", head(5, kGet) + head(3, kGet), connection, protocol},
        {"HEADERS with too much padding", "6.2", frame(kHeaders, flag::kPadded | flag::kEndHeaders, 3, "\x7fx"),
         connection, protocol},
        {"HEADERS that HPACK cannot read", "4.3", frame(kHeaders, flag::kEndHeaders, 3, "\xff\xff\xff\xff\xff"),
         connection, Http2Error::kCompressionError},
        {"another frame inside a head", "6.2", frame(kHeaders, 0, 3, block(kGet)) + frame(kPing, 0, 0, "12345678"),
         connection, protocol},
        {"a CONTINUATION of nothing", "6.10", frame(kContinuation, flag::kEndHeaders, 3, block(kGet)), connection,
         protocol},
        {"a CONTINUATION of another stream", "6.10",
         frame(kHeaders, 0, 3, block(kGet)) + frame(kContinuation, flag::kEndHeaders, 5), connection, protocol},
        {"PRIORITY is read and ignored", "6.3", frame(kPriority, 0, 9, std::string("\0\0\0\1\7", 5)), Ends::kNothing},
        {"PRIORITY on stream 0", "6.3", frame(kPriority, 0, 0, std::string("\0\0\0\1\7", 5)), connection, protocol},
        {"PRIORITY of a wrong size", "6.3", frame(kPriority, 0, kOpen, "1234"), stream, size},
        {"RST_STREAM on stream 0", "6.4", frame(kRstStream, 0, 0, u32(8)), connection, protocol},
        {"RST_STREAM on an idle stream", "6.4", frame(kRstStream, 0, 7, u32(8)), connection, protocol},
        {"RST_STREAM of a wrong size", "6.4", frame(kRstStream, 0, kOpen, "123"), connection, size},
        {"SETTINGS on a stream", "6.5", frame(kSettings, 0, kOpen), connection, protocol},
        {"SETTINGS of a wrong size", "6.5", frame(kSettings, 0, 0, "1234567"), connection, size},
        {"an acknowledgement of SETTINGS with a payload", "6.5", frame(kSettings, flag::kAck, 0, "123456"), connection,
         size},
        {"SETTINGS_ENABLE_PUSH that is neither 0 nor 1", "6.5.2", frame(kSettings, 0, 0, setting(2, 2)), connection,
         protocol},
        {"SETTINGS_INITIAL_WINDOW_SIZE beyond 2^31-1", "6.5.2", frame(kSettings, 0, 0, setting(4, 0x80000000U)),
         connection, Http2Error::kFlowControlError},
        {"SETTINGS_MAX_FRAME_SIZE below 2^14", "6.5.2", frame(kSettings, 0, 0, setting(5, 16'383)), connection,
         protocol},
        {"a setting that nobody knows", "6.5.2", frame(kSettings, 0, 0, setting(0xaa, 1)), Ends::kNothing},
        {"PUSH_PROMISE of a client", "8.4", frame(kPushPromise, flag::kEndHeaders, kOpen, u32(2) + block(kGet)),
         connection, protocol},
        {"PING on a stream", "6.7", frame(kPing, 0, kOpen, "12345678"), connection, protocol},
        {"PING of a wrong size", "6.7", frame(kPing, 0, 0, "1234567"), connection, size},
        {"GOAWAY on a stream", "6.8", frame(kGoaway, 0, kOpen, u32(0) + u32(0)), connection, protocol},
        {"WINDOW_UPDATE of 0 on the connection", "6.9", frame(kWindowUpdate, 0, 0, u32(0)), connection, protocol},
        {"WINDOW_UPDATE of 0 on a stream", "6.9", frame(kWindowUpdate, 0, kOpen, u32(0)), stream, protocol},
        {"WINDOW_UPDATE of a wrong size", "6.9", frame(kWindowUpdate, 0, 0, "123"), connection, size},
        {"WINDOW_UPDATE on an idle stream", "5.1", frame(kWindowUpdate, 0, 9, u32(1)), connection, protocol},
        {"a window of the connection beyond 2^31-1", "6.9.1", frame(kWindowUpdate, 0, 0, u32(0x7fffffffU)), connection,
         Http2Error::kFlowControlError},
        {"a window of a stream beyond 2^31-1", "6.9.1", frame(kWindowUpdate, 0, kOpen, u32(0x7fffffffU)), stream,
         Http2Error::kFlowControlError},
        {"a field name in capitals", "8.2.1", malformed(with(kGet, {{"X-Name", "a"}})), stream, protocol, 3},
        {"a field name with a colon inside", "8.2.1", malformed(with(kGet, {{"x:y", "a"}})), stream, protocol, 3},
        {"a field value with a line break", "8.2.1", malformed(with(kGet, {{"x", "a\r\nb: c"}})), stream, protocol, 3},
        {"a field value with a NUL", "8.2.1", malformed(with(kGet, {{"x", std::string("a\0b", 3)}})), stream, protocol,
         3},
        {"Connection", "8.2.2", malformed(with(kGet, {{"connection", "close"}})), stream, protocol, 3},
        {"Transfer-Encoding", "8.2.2", malformed(with(kGet, {{"transfer-encoding", "chunked"}})), stream, protocol, 3},
        {"Upgrade", "8.2.2", malformed(with(kGet, {{"upgrade", "websocket"}})), stream, protocol, 3},
        {"TE that is not trailers", "8.2.2", malformed(with(kGet, {{"te", "gzip"}})), stream, protocol, 3},
        {"a pseudo-field that nobody knows", "8.3", malformed(with(kGet, {{":test", "a"}})), stream, protocol, 3},
        {"a pseudo-field of a response", "8.3", malformed(with(kGet, {{":status", "200"}})), stream, protocol, 3},
        {"a pseudo-field behind a field", "8.3",
         malformed({{":method", "GET"}, {":scheme", "http"}, {"x", "a"}, {":path", "/"}}), stream, protocol, 3},
        {"no :method", "8.3.1", malformed({{":scheme", "http"}, {":path", "/"}, {":authority", "localhost"}}), stream,
         protocol, 3},
        {"no :scheme", "8.3.1", malformed({{":method", "GET"}, {":path", "/"}, {":authority", "localhost"}}), stream,
         protocol, 3},
        {"no :path", "8.3.1", malformed({{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}}), stream,
         protocol, 3},
        {"an empty :path", "8.3.1",
         malformed({{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", ""}}), stream,
         protocol, 3},
        {"two of :method", "8.3.1", malformed(with({{":method", "GET"}}, kGet)), stream, protocol, 3},
        {"a Host that is not the :authority", "8.3.1", malformed(with(kGet, {{"host", "other"}})), stream, protocol, 3},
        {"a Content-Length and no DATA", "8.1.1", malformed(with(kPost, {{"content-length", "5"}})), stream, protocol,
         3},
        {"less DATA than the Content-Length", "8.1.1",
         head(3, with(kPost, {{"content-length", "5"}}), 0) + frame(kData, flag::kEndStream, 3, "1234"), stream,
         protocol, 3},
        {"more DATA than the Content-Length", "8.1.1",
         head(3, with(kPost, {{"content-length", "1"}}), 0) + frame(kData, 0, 3, "1234"), stream, protocol, 3},
        {"trailers that do not end the stream", "8.1", head(kOpen, {{"x", "y"}}, 0), stream, protocol},
        {"trailers with a pseudo-field", "8.1", head(kOpen, {{":path", "/"}}), stream, protocol},
        {"a CONNECT without :protocol that has a :path", "8.5",
         malformed({{":method", "CONNECT"}, {":authority", "localhost"}, {":path", "/"}}), stream, protocol, 3},
        {"a GET with a :protocol", "RFC 8441, 4", malformed(with({{":protocol", "websocket"}}, kGet)), stream, protocol,
         3},
    };
}

class Rules : public Http2Test, public testing::WithParamInterface<Case> {};

TEST_P(Rules, AreKept) {
    const Case& rule = GetParam();
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    peer.request(kOpen, kPost, 0);
    run();
    ASSERT_EQ(owner.streams.size(), 1U);
    stream(0).receive();
    peer.write(rule.bytes);
    run();
    switch (rule.ends) {
        case Ends::kConnection: EXPECT_EQ(peer.goaway(), rule.code); break;
        case Ends::kStream: EXPECT_EQ(peer.reset(rule.stream), rule.code); break;
        case Ends::kNothing: EXPECT_FALSE(peer.reset(kOpen)); break;
    }
    if (rule.ends == Ends::kConnection) {
        EXPECT_EQ(stream(0).failures.size(), 1U) << "its stream hears of it";
        return;
    }
    EXPECT_FALSE(peer.goaway());
    peer.request(101, kGet);
    run();
    EXPECT_EQ(owner.streams.back().head.path, "/") << "the connection goes on";
    peer.write(frame(Http2FrameType::kPing, 0, 0, "12345678"));
    run();
    EXPECT_TRUE(peer.all(Http2FrameType::kPing).back().header.has(flag::kAck));
}

INSTANTIATE_TEST_SUITE_P(Rfc9113, Rules, testing::ValuesIn(cases()), [](const auto& info) {
    std::string name = std::string{info.param.section} + ' ' + info.param.name;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
});

// ---- Floods: each has a budget of its own, and ends its own connection only.

class Floods : public Http2Test {
protected:
    [[nodiscard]] Limit last_limit() const { return owner.limits.empty() ? Limit::kCount : owner.limits.back(); }
    // Sends it again and again, until the connection ends. Returns how often.
    template <typename Make>
    int flood(RawPeer& peer, const Make& make, int most) {
        for (int i = 0; i < most; ++i) {
            if (peer.goaway() || owner.ending) {
                return i;
            }
            peer.write(make(i));
            run();
        }
        return most;
    }
};

TEST_F(Floods, OfResetsEndTheConnection) {  // CVE-2023-44487
    options.max_stream_resets = 10;
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    std::vector<std::unique_ptr<StreamNotes>> views;
    owner.on_open = [&](SocketId id, const Http2Head&) {
        views.push_back(std::make_unique<StreamNotes>(*backend, id));
        views.back()->then = [view = views.back().get()] { view->close(); };
    };
    const int sent = flood(
        peer,
        [](int i) {
            const auto id = static_cast<std::uint32_t>(2 * i + 1);
            return head(id, kGet) + frame(Http2FrameType::kRstStream, 0, id, u32(8));
        },
        10'000);
    EXPECT_LE(sent, 110);
    EXPECT_EQ(peer.goaway(), Http2Error::kEnhanceYourCalm);
    EXPECT_EQ(last_limit(), Limit::kMaxStreamResets);
}

TEST_F(Floods, OfMistakesThatMakeTheServerResetEndTheConnection) {  // CVE-2025-8671
    options.max_stream_resets = 10;
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    const int sent = flood(
        peer,
        [](int i) {
            return head(static_cast<std::uint32_t>(2 * i + 1), {{":method", "GET"}});
        },
        10'000);
    EXPECT_LE(sent, 110);
    EXPECT_EQ(peer.goaway(), Http2Error::kEnhanceYourCalm);
}

TEST_F(Floods, OfFramesThatCarryNothingEndTheConnection) {
    const std::pair<const char*, std::string> floods[]{
        {"PING", frame(Http2FrameType::kPing, 0, 0, "12345678")},  // CVE-2019-9512
        {"SETTINGS", frame(Http2FrameType::kSettings, 0, 0)},      // CVE-2019-9515
        {"empty DATA", frame(Http2FrameType::kData, 0, kOpen)},    // CVE-2019-9518
        {"PRIORITY", frame(Http2FrameType::kPriority, 0, 9, std::string("\0\0\0\1\7", 5))},
        {"unknown", frame(static_cast<Http2FrameType>(0x7f), 0, 0)},
        {"WINDOW_UPDATE", frame(Http2FrameType::kWindowUpdate, 0, 0, u32(1))},
    };
    for (const auto& [name, bytes] : floods) {
        SCOPED_TRACE(name);
        options.max_control_frames = 20;
        ConnectionNotes notes;
        RawPeer peer(*backend);
        peer.take(backend->connect(backend->local_address(listener())));
        run();
        backend->speak_http2(accepted, wire::Role::kServer, options, notes);
        peer.begin();
        peer.request(kOpen, kPost, 0);
        run();
        int sent = 0;
        for (; sent < 10'000 && !peer.goaway(); ++sent) {
            peer.write(bytes);
            run();
        }
        EXPECT_LE(sent, 300);
        EXPECT_EQ(peer.goaway(), Http2Error::kEnhanceYourCalm);
        ASSERT_FALSE(notes.limits.empty());
        EXPECT_EQ(notes.limits.back(), Limit::kMaxControlFrames);
        backend->close(accepted);
        run();
    }
}

TEST_F(Floods, OfContinuationsEndTheConnection) {
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    peer.write(frame(Http2FrameType::kHeaders, 0, 1, block(kGet)));
    const std::string more = frame(Http2FrameType::kContinuation, 0, 1, block({{"x", std::string(120, 'y')}}));
    const int sent = flood(
        peer, [&](int) { return more; }, 100'000);
    EXPECT_LT(sent, 20'000);
    EXPECT_EQ(peer.goaway(), Http2Error::kEnhanceYourCalm);
    EXPECT_TRUE(owner.streams.empty());
}

TEST_F(Floods, AHeadThatGrowsIn_Hpack_IsRefusedAndTheConnectionGoesOn) {
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    // One field of 4,000 bytes goes into the table, and 60 references to it make a head of 240,000.
    std::string bomb = block(kGet);
    bomb += std::string("\x40\1x\x7f\xa1\x1e", 6) + std::string(4'000, 'y');
    bomb += std::string(60, '\xbe');
    peer.write(frame(Http2FrameType::kHeaders, flag::kEndHeaders | flag::kEndStream, 1, bomb));
    run();
    EXPECT_TRUE(owner.streams.empty());
    EXPECT_EQ(last_limit(), Limit::kMaxHeadBytes);
    EXPECT_FALSE(peer.goaway());
    peer.request(3, kGet);
    run();
    EXPECT_EQ(owner.streams.size(), 1U);
}

TEST_F(Floods, OfStreamsBeyondTheLimitAreRefused) {
    options.max_streams = 5;
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    for (std::uint32_t id = 1; id < 40; id += 2) {
        peer.request(id, kPost, 0);
    }
    run();
    EXPECT_EQ(owner.streams.size(), 5U);
    EXPECT_EQ(peer.reset(39), Http2Error::kRefusedStream);
    EXPECT_EQ(last_limit(), Limit::kMaxStreams);
}

TEST_F(Floods, APeerThatTakesNothingHoldsNoMoreThanItsWindow) {
    RawPeer peer(*backend);
    serve(peer);
    peer.begin(setting(4, 1));  // windows of one byte
    peer.request(1, kGet);
    run();
    backend->respond(stream(0).id(), 200, {}, Http2Body::kFollows);
    stream(0).send(std::string(100'000, 'x'));
    run();
    EXPECT_EQ(peer.data_of(1).size(), 1U);
    EXPECT_EQ(stream(0).unsent(), 99'999U);
    peer.write(frame(Http2FrameType::kWindowUpdate, 0, 1, u32(9)));
    run();
    EXPECT_EQ(peer.data_of(1).size(), 10U);
}

TEST_F(Floods, AStreamThatNobodyReadsKeepsNoMoreThanItsWindow) {
    options.stream_window_bytes = 65'535;
    RawPeer peer(*backend);
    serve(peer);
    peer.begin();
    peer.request(1, kPost, 0);
    run();
    for (int i = 0; i < 4; ++i) {
        peer.data(1, std::string(16'000, 'x'));
    }
    run();
    EXPECT_FALSE(peer.goaway());
    EXPECT_FALSE(peer.reset(1));
    peer.data(1, std::string(16'000, 'x'));
    run();
    EXPECT_EQ(peer.reset(1), Http2Error::kFlowControlError);
}

}  // namespace
}  // namespace c10k
