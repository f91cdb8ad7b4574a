#include "wire/chunk_reader.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <stdexcept>

namespace c10k::wire {
namespace {

std::string describe_response(std::string_view bytes, std::size_t piece) {
    ResponseParser parser;
    std::size_t taken = 0;
    for (std::size_t arrived = 0; arrived < bytes.size();) {
        arrived = std::min(arrived + piece, bytes.size());
        taken += parser.receive(bytes.substr(taken, arrived - taken));
    }
    std::string text = std::to_string(taken) + ' ' + std::to_string(static_cast<int>(parser.state())) + ' ';
    if (parser.state() == ResponseParser::State::kFailed) {
        return text + std::string{parser.failure()};
    }
    text += std::to_string(parser.response().status);
    for (const auto& [name, value] : parser.response().headers) {
        text += ' ' + name + '=' + value;
    }
    return text;
}

ResponseParser parse_response(std::string_view bytes) {
    for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
        EXPECT_EQ(describe_response(bytes, piece), describe_response(bytes, bytes.size())) << piece;
    }
    ResponseParser parser;
    parser.receive(bytes);
    return parser;
}

TEST(ResponseParser, ReadsAHeadAndLeavesTheRest) {
    const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: \r\n\r\n";
    ResponseParser parser = parse_response(head + "\x81\x00");
    ASSERT_EQ(parser.state(), ResponseParser::State::kComplete);
    EXPECT_EQ(parser.response().status, 101);
    EXPECT_EQ(parser.response().headers.get("Upgrade"), "websocket");
    ResponseParser again;
    EXPECT_EQ(again.receive(head + "\x81"), head.size());
    EXPECT_EQ(again.receive("\x81"), 0u);
    EXPECT_EQ(parse_response("HTTP/1.0 404 \r\n\r\n").response().status, 404);
}

// RFC 9110, 2.5.
TEST(ResponseParser, ReadsALaterHttp1AsTheOneItKnows) {
    EXPECT_EQ(parse_response("HTTP/1.2 101 x\r\nUpgrade: websocket\r\n\r\n").response().status, 101);
    for (const std::string_view bytes :
         {"HTTP/1.2\r\n\r\n", "HTTP/1.2 10\r\n\r\n", "HTTP/1.22 101 x\r\n\r\n", "HTTP/1.x 101 x\r\n\r\n"}) {
        EXPECT_EQ(parse_response(bytes).state(), ResponseParser::State::kFailed) << bytes;
    }
}

// RFC 9110, 15.2.
TEST(ResponseParser, SkipsInformationalAnswersButNotForEver) {
    ResponseParser parser = parse_response(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n");
    ASSERT_EQ(parser.state(), ResponseParser::State::kComplete);
    EXPECT_EQ(parser.response().status, 403);
    EXPECT_EQ(parser.response().headers.size(), 0u);
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    ResponseParser endless;
    EXPECT_LT(endless.receive(many), many.size());
    EXPECT_EQ(endless.state(), ResponseParser::State::kFailed);
}

// Row 70.
TEST(ResponseParser, RefusesWhatIsNoHead) {
    for (const std::string_view bytes :
         {"HTTP/1.1 101\r\n\r\n", "HTTP/1.1 10 x\r\n\r\n", "HTTP/1.1 x01 x\r\n\r\n", "HTTP/2.0 101 x\r\n\r\n",
          "HTTP/1.0 101 x\r\n\r\n", "http/1.1 101 x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\nHTTP/1.1 101 x\r\n\r\n",
          "HTTP/1.1 101 x\n\n", "HTTP/1.1 101 x\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 101 x\r\nX : a\r\n\r\n",
          "\x15\x03\x03"}) {
        ResponseParser parser = parse_response(bytes);
        EXPECT_EQ(parser.state(), ResponseParser::State::kFailed) << bytes;
        EXPECT_FALSE(parser.failure().empty()) << bytes;
    }
    ResponseParser parser;
    EXPECT_EQ(parser.receive("HTTP/1.1 101 x\r\nX: " + std::string(1024 * 1024, 'a')), HttpLimits{}.max_head_bytes + 1);
    EXPECT_EQ(parser.state(), ResponseParser::State::kFailed);
}

// RFC 9112, 6.
TEST(ResponseBytes, AreFramedByContentLength) {
    EXPECT_EQ(to_bytes(Response::text("abc"), {.date = "Sun, 06 Nov 1994 08:49:37 GMT"}),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Content-Length: 3\r\n\r\nabc");
    EXPECT_EQ(to_bytes(Response{404}), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{299}), "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(to_bytes({200, {{"Content-Length", "9"}, {"transfer-encoding", "chunked"}}, "abc"}),
              "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(to_bytes({200, {{"Date", "x"}}, {}}, {.date = "y"}),
              "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n");
}

// RFC 9110, 8.6 and 9.3.2; RFC 9112, 6.3.
TEST(ResponseBytes, HaveNoBodyWhereNoneMayBe) {
    EXPECT_EQ(to_bytes({200, {}, "abc"}, {.head_only = true}), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(to_bytes({204, {}, "abc"}), "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(to_bytes({304, {}, "abc"}), "HTTP/1.1 304 Not Modified\r\n\r\n");
    // RFC 9110, 15.3.6
    EXPECT_EQ(to_bytes({205, {}, "abc"}), "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{205}, {.framing = Framing::kChunked}),
              "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(to_bytes({101, {{"Connection", "Upgrade"}}, "abc"}, {.keep_alive = false, .minor_version = 0}),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n");
}

// RFC 9112, 6.1 and 6.3.
TEST(ResponseBytes, AreTheHeadOnlyOfABodyThatFollows) {
    const Response response{200, {{"Content-Length", "9"}}, "not sent"};
    EXPECT_EQ(to_bytes(response, {.framing = Framing::kChunked}),
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(to_bytes(response, {.keep_alive = false, .minor_version = 0, .framing = Framing::kUntilClose}),
              "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{304}, {.framing = Framing::kChunked}), "HTTP/1.1 304 Not Modified\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{204}, {.framing = Framing::kChunked}), "HTTP/1.1 204 No Content\r\n\r\n");
}

// RFC 9112, 7.1.
TEST(Chunks, AreReadAsTheyWereWritten) {
    EXPECT_EQ(chunk_head(1), "1\r\n");
    EXPECT_EQ(chunk_head(255), "ff\r\n");
    EXPECT_EQ(chunk_head(SIZE_MAX), "ffffffffffffffff\r\n");
    std::string bytes;
    for (const std::size_t size : {std::size_t{1}, std::size_t{16}, std::size_t{70'000}}) {
        bytes += chunk_head(size) + std::string(size, 'x') + std::string{kChunkEnd};
    }
    bytes += kLastChunk;
    ChunkReader reader;
    std::string body;
    EXPECT_EQ(reader.receive(bytes, body, {}), bytes.size());
    EXPECT_TRUE(reader.whole());
    EXPECT_EQ(body, std::string(70'017, 'x'));
}

// RFC 9112, 9.3 and 9.6.
TEST(ResponseBytes, SayWhatBecomesOfTheConnectionIfItIsNotTheDefault) {
    EXPECT_EQ(to_bytes(Response{}, {.keep_alive = false}),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{}, {.minor_version = 0}),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(to_bytes(Response{}, {.keep_alive = false, .minor_version = 0}),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseBytes, HaveTabsInValues) {
    std::string bytes;
    append_field(bytes, "X", "a\tb");
    EXPECT_EQ(bytes, "X: a\tb\r\n");
}

TEST(ResponseBytes, CannotBeSplitByWhatAViewPutsIn) {
    EXPECT_THROW((void)to_bytes(Response::redirect("/a\r\nSet-Cookie: b")), std::logic_error);
    EXPECT_THROW((void)to_bytes(Response::redirect("/a\n")), std::logic_error);
    EXPECT_THROW((void)to_bytes(Response::redirect(std::string("/a\0", 3))), std::logic_error);
    EXPECT_THROW((void)to_bytes({200, {{"X\r\nY", "a"}}, {}}), std::logic_error);
    EXPECT_THROW((void)to_bytes({200, {{"X:", "a"}}, {}}), std::logic_error);
    EXPECT_THROW((void)to_bytes({200, {{"", "a"}}, {}}), std::logic_error);
    EXPECT_THROW((void)to_bytes(Response{99}), std::logic_error);
    EXPECT_THROW((void)to_bytes(Response{1000}), std::logic_error);
}

TEST(ResponseBytes, OfAViewHaveAFinalStatusAndFieldsThatCanBeSent) {
    for (const int status : {-1, 0, 99, 100, 101, 103, 199, 600, 999}) {
        EXPECT_THROW(require_final(status), std::logic_error) << status;
        EXPECT_THROW(require_sendable(Response{status}), std::logic_error) << status;
    }
    EXPECT_NO_THROW(require_sendable({200, {{"X-A", "a\tb"}}, {}}));
    EXPECT_NO_THROW(require_sendable(Response{599}));
    EXPECT_THROW(require_sendable({200, {{"X", "a\r\nb"}}, {}}), std::logic_error);
    EXPECT_THROW(require_sendable({200, {{"X Y", "a"}}, {}}), std::logic_error);
}

}  // namespace
}  // namespace c10k::wire
