#include "wire/url.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace c10k::wire {
namespace {

// RFC 6455, 3.
TEST(Url, HasTheDefaultsOfItsScheme) {
    const auto plain = Url::parse("WS://Example.com");
    EXPECT_EQ(plain.scheme, "ws");
    EXPECT_EQ(plain.host, "Example.com");
    EXPECT_EQ(plain.port, 80);
    EXPECT_EQ(plain.target, "/");
    EXPECT_EQ(plain.host_field(), "Example.com");
    EXPECT_FALSE(plain.secure());

    const auto secure = Url::parse("wss://example.com?a=b");
    EXPECT_EQ(secure.port, 443);
    EXPECT_EQ(secure.target, "/?a=b");
    EXPECT_EQ(secure.host_field(), "example.com");
    EXPECT_TRUE(secure.secure());
    EXPECT_EQ(Url::parse("http://a/").port, 80);
    EXPECT_TRUE(Url::parse("https://a/").secure());
}

TEST(Url, KeepsPortPathAndQueryAsTheyAre) {
    const auto url = Url::parse("ws://127.0.0.1:8000/chat/a%20b/?user=ann&x=%2F");
    EXPECT_EQ(url.host, "127.0.0.1");
    EXPECT_EQ(url.port, 8000);
    EXPECT_EQ(url.target, "/chat/a%20b/?user=ann&x=%2F");
    EXPECT_EQ(url.host_field(), "127.0.0.1:8000");
}

TEST(Url, TakesTheBracketsOffAnIpv6Address) {
    const auto url = Url::parse("ws://[::1]:8000/");
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.port, 8000);
    EXPECT_EQ(url.host_field(), "[::1]:8000");
}

TEST(Url, RefusesWhatIsNoAddressOfAWebSocket) {
    for (const std::string_view text : {"",
                                        "localhost:8000",
                                        "127.0.0.1:8000",
                                        "/test/",
                                        "//host/",
                                        "ftp://host/",
                                        "ws://",
                                        "ws:///path",
                                        "ws://:8000/",
                                        "ws://host:/",
                                        "ws://host:0/",
                                        "ws://host:65536/",
                                        "ws://host:99999999999999999999/",
                                        "ws://host:-1/",
                                        "ws://host:8x/",
                                        "ws://user@host/",
                                        "ws://user:secret@host/",
                                        "ws://host/#part",
                                        "ws://host/a b",
                                        "ws://ho st/",
                                        "ws://host/%zz",
                                        "ws://a%0d%0aX:%20y/",
                                        "ws://host/\r\nX: y",
                                        "ws://[::1/",
                                        "ws://a,b/"}) {
        EXPECT_THROW((void)Url::parse(text), std::invalid_argument) << text;
    }
}

TEST(Url, ErrorsQuoteTheUrlAndSayWhatIsWrong) {
    try {
        (void)Url::parse("ws://host:65536/");
        FAIL();
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "\"ws://host:65536/\": the port must be a number from 1 to 65535");
    }
}

}  // namespace
}  // namespace c10k::wire
