// RFC 7541, and heads of HTTP/2 as values.

#include "wire/hpack.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

namespace c10k::wire {
namespace {

std::string bytes(std::string_view digits) {
    std::string made;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        made += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    }
    return made;
}

TEST(Hpack, DecodesTheRequestsOfTheRfc) {  // RFC 7541, C.4
    HpackDecoder decoder;
    for (const std::string& block : {bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff"), bytes("828684be5886a8eb10649cbf"),
                                     bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")}) {
        Http2HeadReader reader(Http2HeadReader::Kind::kRequest, {});
        ASSERT_TRUE(decoder.decode(block, reader));
        ASSERT_EQ(reader.finish(), Http2HeadReader::State::kGood) << reader.reason();
        EXPECT_EQ(reader.head().authority, "www.example.com");
        EXPECT_EQ(reader.head().method, "GET");
        if (reader.head().scheme == "https") {
            EXPECT_EQ(reader.head().path, "/index.html");
            EXPECT_EQ(reader.head().headers.get("custom-key"), "custom-value");
        }
    }
}

TEST(Hpack, RefusesBlocksThatEndEarlyOrNameNoEntry) {
    for (const std::string& block : {bytes("40"), bytes("82ff"), bytes("c0"), bytes("80"), bytes("3fe2ff03")}) {
        HpackDecoder decoder;
        Http2HeadReader reader(Http2HeadReader::Kind::kRequest, {});
        EXPECT_FALSE(decoder.decode(block, reader));
    }
}

TEST(Hpack, EncodesWhatItDecodesAndLeavesOutWhatBelongsToAConnection) {
    HpackEncoder encoder;
    HpackDecoder decoder;
    EXPECT_EQ(encoder.encode(200, {}), "\x88") << "a byte, and no table";
    std::size_t first = 0;
    for (int i = 0; i < 3; ++i) {
        const std::string block = encoder.encode(
            404,
            {{"Content-Type", "text/html"}, {"Connection", "close"}, {"Transfer-Encoding", "chunked"}, {"X-Y", "z"}});
        Http2HeadReader reader(Http2HeadReader::Kind::kResponse, {});
        ASSERT_TRUE(decoder.decode(block, reader));
        ASSERT_EQ(reader.finish(), Http2HeadReader::State::kGood) << reader.reason();
        EXPECT_EQ(reader.head().status, 404);
        EXPECT_EQ(reader.head().headers.size(), 2U);
        EXPECT_EQ(reader.head().headers.get("x-y"), "z");
        first = i == 0 ? block.size() : first;
        EXPECT_TRUE(i != 1 || block.size() < first) << "later heads refer to the table";
        encoder.set_table_size(i == 1 ? 0 : 4096);
    }
}

TEST(Hpack, RefusesToSendFieldsThatCouldEndALine) {
    HpackEncoder encoder;
    EXPECT_THROW(static_cast<void>(encoder.encode(200, {{"x", "y\r\nz: 1"}})), std::logic_error);
    EXPECT_THROW(static_cast<void>(encoder.encode(200, {{":path", "y"}})), std::logic_error);
    EXPECT_THROW(static_cast<void>(encoder.encode(99, {})), std::logic_error);
}

TEST(Http2Head, JoinsTheCrumbsOfACookieAndTakesTheHostForTheAuthority) {  // RFC 9113, 8.2.3 and 8.3.1
    Http2HeadReader reader(Http2HeadReader::Kind::kRequest, {});
    reader.add(":method", "GET");
    reader.add(":scheme", "https");
    reader.add(":path", "/?a=b");
    reader.add("cookie", "a=1");
    reader.add("host", "example.com:8443");
    reader.add("cookie", "b=2");
    reader.add("cookie", "");
    ASSERT_EQ(reader.finish(), Http2HeadReader::State::kGood) << reader.reason();
    EXPECT_EQ(reader.head().authority, "example.com:8443");
    EXPECT_EQ(reader.head().headers.get("cookie"), "a=1; b=2");
    EXPECT_FALSE(reader.head().headers.get("host"));
}

TEST(Http2Head, AllowsAProtocolOnlyWhereItIsSpoken) {  // RFC 8441, 3
    for (const bool allows : {false, true}) {
        Http2HeadReader reader(Http2HeadReader::Kind::kRequest, {.allows_protocol = allows});
        reader.add(":method", "CONNECT");
        reader.add(":protocol", "websocket");
        reader.add(":scheme", "https");
        reader.add(":authority", "localhost");
        reader.add(":path", "/");
        EXPECT_EQ(reader.finish(), allows ? Http2HeadReader::State::kGood : Http2HeadReader::State::kMalformed);
    }
}

}  // namespace
}  // namespace c10k::wire
